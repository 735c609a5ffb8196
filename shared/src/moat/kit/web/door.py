"""The outermost layer of every app, pure ASGI: request id, deadline, body bound, tracked work, metrics, log.

One layer, so that each request pays once. Whatever escapes from inside becomes a problem here.
"""

import asyncio
import time
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from moat.kit.telemetry.metrics import observe_request
from moat.kit.telemetry.tracing import request_span
from moat.kit.web.exchange import BODY_BYTES_MAX, Exchange, too_large
from moat.kit.web.inflight import InFlight
from moat.kit.web.rendering import DeadlineExceeded, response_of, template_of

DEADLINE_MS_MAX: Final = 60_000
SLOW_SECONDS: Final = 1.0
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

log = structlog.get_logger("moat.web")


class Door:
    """ASGI layer around a whole app."""

    def __init__(self, app: ASGIApp, inflight: InFlight) -> None:
        self.app = app
        self._inflight = inflight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; lifespan and websockets pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        exchange = Exchange(scope, receive, send)
        scope["moat.request_id"] = exchange.request_id
        if exchange.deadline_ms is not None:
            exchange.deadline_ms = min(exchange.deadline_ms, DEADLINE_MS_MAX)
            scope["moat.deadline_at"] = began + exchange.deadline_ms / 1000
        try:
            if exchange.deadline_ms is None and scope["method"] in _READS:
                self._inflight.inline += 1
                try:
                    await self._answer(scope, exchange)
                finally:
                    self._inflight.inline -= 1
            else:
                await self._answer_in_task(scope, exchange)
        finally:
            self._record(scope, exchange, time.perf_counter() - began)

    async def _answer_in_task(self, scope: Scope, exchange: Exchange) -> None:
        """Run the work as a task that nobody cancels; stop waiting, not working, at the deadline."""
        task = self._inflight.start(self._answer(scope, exchange))
        seconds = None if exchange.deadline_ms is None else exchange.deadline_ms / 1000
        try:
            # wait(), unlike wait_for(), leaves the task alone when it is cancelled or times out itself.
            await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            exchange.abandoned = True
            task.add_done_callback(_look_at)
            raise
        if task.done():
            task.result()
            return
        # From here on the work may finish at any moment, and must not answer beside us.
        exchange.abandoned = True
        task.add_done_callback(_look_at)
        if exchange.status:
            # An answer cut short must not look whole: the server drops the connection.
            raise TimeoutError("the deadline passed in the middle of the answer")
        late = response_of(DeadlineExceeded(retry_after_seconds=1), scope)
        await late(scope, exchange.receive, exchange.send_last)

    async def _answer(self, scope: Scope, exchange: Exchange) -> None:
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            with request_span(scope):
                if exchange.declared_bytes > BODY_BYTES_MAX:
                    raise too_large()
                await self.app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.abandoned = True
        except Exception as error:
            if exchange.status and not exchange.abandoned:
                log.error("request.broken", route=template_of(scope), exc_info=error)
                raise
            await response_of(error, scope)(scope, exchange.receive, exchange.send)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")

    def _record(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        method, route, status = scope["method"], template_of(scope), exchange.status or 499
        observe_request(method, route, status, seconds)
        if status >= 500 or seconds > SLOW_SECONDS or method not in _READS:
            log.info(
                "request.done",
                request_id=exchange.request_id,
                method=method,
                route=route,
                status=status,
                milliseconds=round(seconds * 1000, 1),
            )


def _look_at(task: "asyncio.Task[None]") -> None:
    """Take the outcome of work that nobody waits for any more; its failure is already logged where it happened."""
    if not task.cancelled():
        task.exception()


def seconds_left(scope: Scope) -> float | None:
    """How long the caller of this request still waits; None if he did not say."""
    deadline_at: float | None = scope.get("moat.deadline_at")
    return None if deadline_at is None else max(0.0, deadline_at - time.perf_counter())
