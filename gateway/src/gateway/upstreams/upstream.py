"""One service behind the gateway: its address, its client pool, its breaker and its retry budget.

aiohttp's own retries, cookies, redirects and decompression are off: what passes through is what was said.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import aiohttp
from multidict import CIMultiDict
from prometheus_client import Counter
from yarl import URL

from gateway.upstreams.breaker import Breaker
from gateway.upstreams.budget import RetryBudget
from gateway.upstreams.problems import UpstreamAway, UpstreamSilent

CONNECT_SECONDS: Final = 0.5
CONNECTIONS_MAX: Final = 200
# Shorter than the services' own (75 s), so that a connection is not used while the other side lets go of it.
KEEPALIVE_SECONDS: Final = 30.0
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
# What aiohttp would add by itself.
_NOT_BY_ITSELF: Final = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")

FAILURES: Final = Counter("gateway_upstream_failures", "Requests that a service did not answer", ["upstream", "reason"])
RETRIES: Final = Counter("gateway_upstream_retries", "Requests that were sent a second time", ["upstream"])


@dataclass(slots=True)
class Upstream:
    """One service. `open` before use, `close` at the end; both inside the running loop."""

    name: str
    base_url: str
    breaker: Breaker = field(default_factory=Breaker)
    budget: RetryBudget = field(default_factory=RetryBudget)
    _session: aiohttp.ClientSession | None = None
    _timeouts: dict[float, aiohttp.ClientTimeout] = field(default_factory=dict)

    async def open(self) -> None:
        """Make the client pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS_MAX, keepalive_timeout=KEEPALIVE_SECONDS, ttl_dns_cache=10
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NOT_BY_ITSELF,
        )
        # There is no public switch; without it a GET would be sent again behind the back of the retry budget.
        self._session._retry_connection = False

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def request(
        self,
        method: str,
        target: str,
        headers: CIMultiDict[str],
        *,
        body: bytes | None = None,
        deadline_seconds: float,
    ) -> aiohttp.ClientResponse:
        """Send a request and return its answer once the headers are there; the caller reads and releases it.

        `target` is path and query as they came, already safe. Sent a second time only if it never left or is
        idempotent, and if the budget allows. Raises UpstreamAway or UpstreamSilent.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        wait = self.breaker.wait_seconds(began)
        if wait > 0:
            raise UpstreamAway(retry_after_seconds=max(1, round(wait)))
        self.budget.earn()
        try:
            return await self._once(method, target, headers, body, deadline_seconds)
        except (aiohttp.ClientError, OSError) as error:
            left = deadline_seconds - (loop.time() - began)
            never_left = isinstance(error, aiohttp.ClientConnectorError)
            if not (never_left or method in IDEMPOTENT) or left <= 0 or not self.budget.spend():
                raise self._away(error) from None
        RETRIES.labels(self.name).inc()
        try:
            return await self._once(method, target, headers, body, left)
        except (aiohttp.ClientError, OSError) as error:
            raise self._away(error) from None

    async def _once(
        self, method: str, target: str, headers: CIMultiDict[str], body: bytes | None, seconds: float
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise UpstreamAway(retry_after_seconds=1)
        headers["x-deadline-ms"] = str(int(seconds * 1000))
        loop = asyncio.get_running_loop()
        try:
            response = await self._session.request(
                method,
                URL(self.base_url + target, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=self._timeout(seconds),
            )
        except TimeoutError as error:
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                self._failed("connect")
                raise aiohttp.ClientConnectionError("no connection in time") from error
            self._failed("silent")
            raise UpstreamSilent from None
        except (aiohttp.ClientError, OSError) as error:
            self._failed("connect" if isinstance(error, aiohttp.ClientConnectorError) else "broken")
            raise
        self.breaker.succeeded(loop.time())
        return response

    def _timeout(self, seconds: float) -> aiohttp.ClientTimeout:
        timeout = self._timeouts.get(seconds)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
            if len(self._timeouts) < 32:
                self._timeouts[seconds] = timeout
        return timeout

    def _failed(self, reason: str) -> None:
        self.breaker.failed(asyncio.get_running_loop().time())
        FAILURES.labels(self.name, reason).inc()

    def _away(self, _: Exception) -> UpstreamAway:
        # What went wrong inside is counted, not told: addresses of services are nobody's business outside.
        return UpstreamAway(retry_after_seconds=1)


def request_headers(authorization: str, *, trace: str | None = None) -> CIMultiDict[str]:
    """Headers of a request that the gateway makes itself on a caller's behalf."""
    headers: CIMultiDict[str] = CIMultiDict({"authorization": authorization, "accept": "application/json"})
    headers["x-request-id"] = uuid4().hex
    if trace:
        headers["traceparent"] = trace
    return headers
