"""The dispatcher beside relay and consumers: sends what waits, and looks again soon."""

import asyncio
from typing import Final

import structlog

from moat.kit.process import Process
from notify_svc.channels.contacts import GatewayContacts
from notify_svc.channels.email import SmtpServer
from notify_svc.channels.usecases import Dispatcher, send_waiting
from notify_svc.settings import Settings

IDLE_SECONDS: Final = 0.5
log = structlog.get_logger(__name__)


async def dispatch(process: Process) -> None:
    """Send until cancelled; whatever is away is waited for."""
    settings = process.settings
    assert isinstance(settings, Settings)
    dispatcher = Dispatcher(
        db=process.db,
        clock=process.clock,
        contacts=GatewayContacts(
            settings.gateway_url,
            settings.api_key.get_secret_value(),
            timeout_seconds=settings.lookup_timeout_seconds,
        ),
        server=SmtpServer.at(
            settings.smtp_url.get_secret_value(),
            sender=settings.sender,
            timeout_seconds=settings.send_timeout_seconds,
        ),
    )
    while True:
        try:
            sent = await send_waiting(dispatcher)
        except Exception as error:
            log.warning("dispatch.waiting", error=type(error).__name__)
            sent = 0
        if not sent:
            await asyncio.sleep(IDLE_SECONDS)
