"""Every environment variable of the ticket service."""

from typing import ClassVar

from moat.kit.settings import ProcessSettings


class Settings(ProcessSettings):
    """`TICKET_DATABASE_URL`, `TICKET_OWNER_DATABASE_URL`, `TICKET_HOST`, `TICKET_PORT`, and what all share."""

    PREFIX: ClassVar[str] = "TICKET_"
