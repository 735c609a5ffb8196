"""The e-mail channel: one connection to the SMTP server for a batch of mails, each with an outcome of its own.

A mail's Message-ID is its message's id, so a mail that is sent twice (the process died between the server's yes and
our commit) can be told by every receiver.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal, Self
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib

from notify_svc.templates.rendering import Words


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to be sent now; the address is used and forgotten."""

    message_id: UUID
    to: str
    words: Words


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server said: sent, failed for good (`reason` a code), or to be tried again."""

    message_id: UUID
    status: Literal["sent", "failed", "again"]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mails are handed over."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None
    sender: str
    timeout_seconds: float

    @classmethod
    def at(cls, url: str, *, sender: str, timeout_seconds: float) -> Self:
        """From smtp://user:password@host:port or smtps://…. Raises ValueError for anything else."""
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ValueError("an SMTP address looks like smtp://host:port")
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if parts.scheme == "smtps" else 587),
            tls=parts.scheme == "smtps",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            sender=sender,
            timeout_seconds=timeout_seconds,
        )

    async def send(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Send all over one connection; a server that is away leaves every mail to be tried again."""
        client = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls,
            username=self.username,
            password=self.password,
            timeout=self.timeout_seconds,
        )
        outcomes: list[Outcome] = []
        try:
            async with client:
                for mail in mails:
                    outcomes.append(await self._send_one(client, mail))  # noqa: PERF401
        except (aiosmtplib.SMTPException, OSError):
            done = {outcome.message_id for outcome in outcomes}
            outcomes += [Outcome(mail.message_id, "again") for mail in mails if mail.message_id not in done]
        return outcomes

    async def _send_one(self, client: aiosmtplib.SMTP, mail: Mail) -> Outcome:
        try:
            await client.send_message(self._written(mail))
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            return _refused(mail, max(codes, default=550))
        except (aiosmtplib.SMTPResponseException, ValueError) as error:
            if isinstance(error, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPServerDisconnected):
                raise
            return _refused(mail, getattr(error, "code", 550))
        return Outcome(mail.message_id, "sent")

    def _written(self, mail: Mail) -> EmailMessage:
        written = EmailMessage()
        written["From"] = self.sender
        written["To"] = mail.to
        # A line break in a subject would start another header.
        written["Subject"] = " ".join(mail.words.subject.split())
        written["Message-ID"] = f"<{mail.message_id}@{self.sender.rpartition('@')[2]}>"
        written["Auto-Submitted"] = "auto-generated"
        written.set_content(mail.words.body)
        return written


def _refused(mail: Mail, code: int) -> Outcome:
    """4xx is for now, 5xx for good (RFC 5321, 4.2.1)."""
    if 400 <= code < 500:
        return Outcome(mail.message_id, "again")
    return Outcome(mail.message_id, "failed", f"smtp_{code}")
