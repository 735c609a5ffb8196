"""THE HEART of what passes through: which headers go on to a service, and which come back.

Hop-by-hop headers end here (RFC 9110, 7.6.1), as do those that say who is calling: a service trusts the gateway's
token, not a header that anyone can write.
"""

import re
from collections.abc import Iterable, Sequence
from random import getrandbits
from typing import Final, NamedTuple

from multidict import CIMultiDict

RawHeaders = Iterable[tuple[bytes, bytes]]

HEADER_BYTES_MAX: Final = 32_768
HEADERS_MAX: Final = 100
_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NOT_ON: Final = _HOP_BY_HOP | {
    b"host",
    b"authorization",
    b"content-length",
    b"cookie",
    b"expect",
    b"forwarded",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"x-request-id",
    b"x-deadline-ms",
    b"x-http-method-override",
    b"traceparent",
}
_NOT_BACK: Final = _HOP_BY_HOP | {b"server", b"date", b"set-cookie", b"x-request-id"}
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")
_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z")


class Asked(NamedTuple):
    """What the gateway reads of a request's headers, in one pass."""

    authorization: bytes | None
    request_id: str
    traceparent: str
    content_length: int | None
    has_body: bool
    is_bounded: bool
    """Whether the headers are few and small enough, and each that may come once came once."""


def read(headers: Sequence[tuple[bytes, bytes]]) -> Asked:
    """Read a request's headers; a request id or trace that is missing or malformed is made anew."""
    authorization: bytes | None = None
    request_id = trace = b""
    length: int | None = None
    has_body = False
    is_bounded = len(headers) <= HEADERS_MAX
    size = 0
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"authorization":
            is_bounded = is_bounded and authorization is None
            authorization = value
        elif name == b"x-request-id":
            request_id = value
        elif name == b"traceparent":
            trace = value
        elif name == b"content-length":
            is_bounded = is_bounded and length is None and value.isdigit() and len(value) <= 15
            length = int(value) if is_bounded else 0
            has_body = length > 0
        elif name == b"transfer-encoding":
            has_body = True
    return Asked(
        authorization,
        request_id.decode() if _REQUEST_ID.match(request_id) else _made(128),
        trace.decode() if _TRACEPARENT.match(trace) else f"00-{_made(128)}-{_made(64)}-01",
        length,
        has_body,
        is_bounded and size <= HEADER_BYTES_MAX,
    )


def _made(bits: int) -> str:
    # Names of requests and traces are no secrets; the kernel's randomness would cost each request three calls.
    return f"{getrandbits(bits) | 1:0{bits // 4}x}"


def to_service(headers: RawHeaders, asked: Asked, *, authorization: str | None, address: str) -> CIMultiDict[str]:
    """The headers of the request to a service; `authorization` is the token made for it."""
    dropped = _NOT_ON
    for name, value in headers:
        if name == b"connection" and value.lower() not in (b"keep-alive", b"close"):
            dropped = dropped | {part.strip().lower() for part in value.split(b",")}
    on: CIMultiDict[str] = CIMultiDict(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name not in dropped
    )
    if authorization is not None:
        on["authorization"] = authorization
    on["x-request-id"] = asked.request_id
    on["traceparent"] = asked.traceparent
    on["x-forwarded-for"] = address
    return on


def to_own_app(headers: RawHeaders, asked: Asked) -> list[tuple[bytes, bytes]]:
    """The headers for the gateway's own routes: as they came, with a sound request id and trace."""
    on = [pair for pair in headers if pair[0] not in (b"x-request-id", b"traceparent", b"x-deadline-ms")]
    on.append((b"x-request-id", asked.request_id.encode()))
    on.append((b"traceparent", asked.traceparent.encode()))
    return on


def to_caller(headers: RawHeaders, request_id: str) -> list[tuple[bytes, bytes]]:
    """The headers of the answer; the request id is said once, by the gateway."""
    back = [(lower, value) for name, value in headers if (lower := name.lower()) not in _NOT_BACK]
    back.append((b"x-request-id", request_id.encode()))
    return back
