"""A small SMTP server that keeps every mail as a file: what would have been sent can be read, nothing leaves."""

import asyncio
import itertools
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from moat.kit.clock import Clock

_MAIL_BYTES_MAX = 1_000_000


@dataclass(slots=True)
class KeepAsFile:
    """Takes a mail by writing `<instant>-<number>.eml`, whole or not at all, before it is acknowledged."""

    folder: Path
    clock: Clock
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep the mail; the envelope's addresses come first, as a header of their own."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content or "").encode()
        name = f"{self.clock.now():%Y%m%dT%H%M%S%fZ}-{next(self.numbers):06d}.eml"
        head = f"X-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n".encode()
        await asyncio.to_thread(_write, self.folder / name, head + content)
        return "250 2.0.0 kept"


def _write(path: Path, content: bytes) -> None:
    half = path.with_suffix(".new")
    half.write_bytes(content)
    half.rename(path)


async def serve_mail(folder: Path, clock: Clock, port: int) -> asyncio.Server:
    """Listen on 127.0.0.1:`port` until the server is closed."""
    handler = KeepAsFile(folder, clock)

    def session() -> SMTP:
        return SMTP(handler, data_size_limit=_MAIL_BYTES_MAX, enable_SMTPUTF8=True, hostname="moat.local")

    return await asyncio.get_running_loop().create_server(session, "127.0.0.1", port)
