"""One request and its answer, guarded: bytes in are counted, an answer is begun once, and only while someone waits."""

from typing import Final
from uuid import uuid4

from starlette.types import Message, Receive, Scope, Send

from moat.kit.web.rendering import BodyTooLarge

BODY_BYTES_MAX: Final = 1_000_000
REQUEST_ID_CHARACTERS_MAX: Final = 64
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


class Exchange:
    """The `receive` and `send` that the app inside sees."""

    __slots__ = ("_bytes_in", "_receive", "_send", "abandoned", "deadline_ms", "declared_bytes", "request_id", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._bytes_in = 0
        self.status = 0
        self.abandoned = False
        self.request_id = ""
        self.deadline_ms: int | None = None
        self.declared_bytes = 0
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                self.request_id = sane_request_id(value)
            elif name == b"x-deadline-ms":
                self.deadline_ms = int(value) if value.isdigit() and len(value) <= 7 else None
            elif name == b"content-length":
                self.declared_bytes = int(value) if value.isdigit() and len(value) <= 18 else 0
        self.request_id = self.request_id or uuid4().hex

    async def receive(self) -> Message:
        """The next piece of the body. Raises BodyTooLarge as soon as the bound is passed."""
        if self.abandoned:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes_in += len(message.get("body", b""))
            if self._bytes_in > BODY_BYTES_MAX:
                raise too_large()
        return message

    async def send(self, message: Message) -> None:
        """Pass a piece of the answer on; nobody hears it once the exchange is abandoned."""
        if not self.abandoned:
            await self.send_last(message)

    async def send_last(self, message: Message) -> None:
        """Pass on what is said instead of the app's own answer, which was abandoned."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
            message = {**message, "headers": headers}
        await self._send(message)


def too_large() -> BodyTooLarge:
    """The refusal of a body over the bound; the rest of it is not read, so the connection ends."""
    return BodyTooLarge(f"At most {BODY_BYTES_MAX:,} bytes", headers={"Connection": "close"}, bytes_max=BODY_BYTES_MAX)


def sane_request_id(value: bytes) -> str:
    """The caller's own request id if it is short and plain, else an empty text."""
    if 0 < len(value) <= REQUEST_ID_CHARACTERS_MAX and _PLAIN.issuperset(value):
        return value.decode("ascii")
    return ""
