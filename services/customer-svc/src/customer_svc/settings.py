"""Every environment variable of the customer service."""

from typing import ClassVar

from moat.kit.settings import ProcessSettings


class Settings(ProcessSettings):
    """`CUSTOMER_DATABASE_URL`, `CUSTOMER_OWNER_DATABASE_URL`, `CUSTOMER_HOST`, `CUSTOMER_PORT`, and what all share."""

    PREFIX: ClassVar[str] = "CUSTOMER_"
