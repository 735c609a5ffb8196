"""Every environment variable of the loyalty service."""

from typing import ClassVar

from moat.kit.settings import ProcessSettings


class Settings(ProcessSettings):
    """`LOYALTY_DATABASE_URL`, `LOYALTY_OWNER_DATABASE_URL`, `LOYALTY_HOST`, `LOYALTY_PORT`, and what all share."""

    PREFIX: ClassVar[str] = "LOYALTY_"
