"""The front: every request passes here first, in pure ASGI, so that what is proxied never meets a framework.

path → headers → place (shedding) → caller → his limit → a service, or the gateway's own routes. Health is exempt from
all of it.
"""

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import Final

import structlog
from fastapi import FastAPI
from prometheus_client import Counter, Histogram
from starlette.types import Message, Receive, Scope, Send

from gateway.identity.context import SESSION
from gateway.identity.sessions import Session, Sessions
from gateway.limits.gcra import Gcra, Verdict
from gateway.limits.problems import Overloaded, TooManyRequests
from gateway.limits.shedding import Shedding
from gateway.proxy import headers as pass_on
from gateway.proxy.bodies import too_large
from gateway.proxy.forward import AnswerCutShort, forward
from gateway.proxy.paths import is_plain
from gateway.proxy.problems import AmbiguousPath, HeadersTooLarge
from gateway.proxy.routing import HEALTH, Route, route_of
from gateway.upstreams.problems import UpstreamAway
from gateway.upstreams.upstream import Upstream
from moat.kit.auth import unauthenticated
from moat.kit.auth.doors import CALLER
from moat.kit.problems import Unauthenticated
from moat.kit.web.exchange import BODY_BYTES_MAX
from moat.kit.web.rendering import response_of

REQUESTS: Final = Counter("gateway_requests", "Requests passed to services", ["route", "method", "status"])
SECONDS: Final = Histogram(
    "gateway_request_seconds",
    "From the first byte in to the last byte out, of requests passed to services",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = structlog.get_logger("gateway.proxy")


class Edge:
    """The ASGI app that the server runs."""

    def __init__(
        self,
        own: FastAPI,
        *,
        sessions: Sessions,
        upstreams: Mapping[str, Upstream],
        limit: Gcra,
        shedding: Shedding,
    ) -> None:
        self._own = own
        self.state = own.state
        self._sessions = sessions
        self._upstreams = upstreams
        self._limit = limit
        self._shedding = shedding
        self._observed: dict[tuple[str, str, int], Counter] = {}
        self._timed: dict[str, Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._own(scope, receive, send)
            return
        raw_path: bytes = scope["raw_path"]
        route = route_of(raw_path)
        if route is HEALTH:
            await self._own(scope, receive, send)
            return
        asked = pass_on.read(scope["headers"])
        scope["moat.request_id"] = asked.request_id
        if not self._shedding.enter():
            await self._refuse(Overloaded(retry_after_seconds=1), scope, receive, send)
            return
        began = perf_counter()
        status = 500
        try:
            if not is_plain(raw_path):
                raise AmbiguousPath
            if not asked.is_bounded:
                raise HeadersTooLarge
            status = await self._pass(scope, receive, send, route, asked)
        except AnswerCutShort:
            # What has been sent must not look whole: raising makes the server drop the connection.
            status = 502
            if scope.get("moat.begun"):
                raise
            await self._refuse(UpstreamAway(retry_after_seconds=1), scope, receive, send)
        except Exception as error:
            status = await self._refuse(error, scope, receive, send)
        finally:
            self._shedding.leave()
            if route.service is not None:
                self._observe(route, scope["method"], status, perf_counter() - began)

    async def _pass(self, scope: Scope, receive: Receive, send: Send, route: Route, asked: pass_on.Asked) -> int:
        session = await self._session(scope, asked, is_needed=route.service is not None)
        principal = session.principal if session is not None else f"address:{_address(scope)}"
        verdict = self._limit.take(principal, asyncio.get_running_loop().time())
        send = self._with_limits(scope, send, verdict)
        if not verdict.is_allowed:
            raise TooManyRequests(
                retry_after_seconds=verdict.retry_after_seconds, headers=_as_text(self._limit_headers(verdict))
            )
        if asked.content_length is not None and asked.content_length > BODY_BYTES_MAX:
            raise await too_large(receive)
        if route.service is None:
            inner = dict(scope)
            inner["headers"] = pass_on.to_own_app(scope["headers"], asked)
            if session is not None:
                inner[SESSION], inner[CALLER] = session, session.caller
            await self._own(inner, receive, send)
            return 0
        assert session is not None
        return await forward(
            scope,
            receive,
            send,
            upstream=self._upstreams[route.service],
            route=route,
            asked=asked,
            session=session,
        )

    async def _session(self, scope: Scope, asked: pass_on.Asked, *, is_needed: bool) -> Session | None:
        """Who is calling. On the gateway's own routes each route decides itself whether it must know."""
        if asked.authorization is None:
            if is_needed:
                raise unauthenticated()
            return None
        session = self._sessions.remembered(asked.authorization)
        if session is not None:
            return session
        # Credentials that nobody remembers cost work; who tries many wrong ones is slowed down by his address.
        stranger, at = f"refused:{_address(scope)}", asyncio.get_running_loop().time()
        if self._limit.is_exhausted(stranger, at):
            raise TooManyRequests(retry_after_seconds=1)
        try:
            return await self._sessions.session_of(asked.authorization)
        except Unauthenticated:
            self._limit.take(stranger, at)
            if is_needed:
                raise
            return None

    def _limit_headers(self, verdict: Verdict) -> list[tuple[bytes, bytes]]:
        return [
            (b"ratelimit-limit", b"%d" % self._limit.burst),
            (b"ratelimit-remaining", b"%d" % verdict.remaining),
            (b"ratelimit-reset", b"%d" % verdict.reset_seconds),
        ]

    def _with_limits(self, scope: Scope, send: Send, verdict: Verdict) -> Send:
        limits = self._limit_headers(verdict)

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["moat.begun"] = True
                message["headers"] = [*message.get("headers", ()), *limits]
            await send(message)

        return say

    async def _refuse(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> int:
        if scope.get("moat.begun"):
            raise error
        response = response_of(error, scope)
        response.headers["X-Request-Id"] = scope["moat.request_id"]
        await response(scope, receive, send)
        return response.status_code

    def _observe(self, route: Route, method: str, status: int, seconds: float) -> None:
        # Labels are looked up once per combination: of these there are few, requests are many.
        key = (route.template, method if method in METHODS else "other", status)
        counter = self._observed.get(key)
        if counter is None:
            counter = self._observed[key] = REQUESTS.labels(key[0], key[1], str(status))
        counter.inc()
        timed = self._timed.get(route.template)
        if timed is None:
            timed = self._timed[route.template] = SECONDS.labels(route.template)
        timed.observe(seconds)
        if status >= 500:
            log.warning("proxy.failed", route=route.template, method=method, status=status, service=route.service)


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else "unknown"


def _as_text(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}
