"""Every environment variable of the scoring service."""

from typing import ClassVar

from moat.kit.settings import ProcessSettings


class Settings(ProcessSettings):
    """`SCORING_DATABASE_URL`, `SCORING_OWNER_DATABASE_URL`, `SCORING_HOST`, `SCORING_PORT`, and what all share."""

    PREFIX: ClassVar[str] = "SCORING_"
