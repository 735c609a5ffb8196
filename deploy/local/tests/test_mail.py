import asyncio
import smtplib
from email.message import EmailMessage
from pathlib import Path

from moat.kit.clock import FrozenClock
from moat_local.mail import serve_mail
from moat_local.ports import free_ports


def send(port: int, subject: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "care@moat.example", "wang@example.com", subject
    mail.set_content("您的积分已到账")
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(mail)


def mails_in(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.glob("*.eml"))]


async def test_every_mail_becomes_a_file_before_it_is_acknowledged(tmp_path: Path, clock: FrozenClock):
    (port,) = free_ports(1)
    server = await serve_mail(tmp_path, clock, port)

    for subject in ("one", "two"):
        await asyncio.to_thread(send, port, subject)

    server.close()
    first, second = mails_in(tmp_path)
    assert "one" in first
    assert "two" in second
    assert first.startswith("X-Envelope-To: wang@example.com")
