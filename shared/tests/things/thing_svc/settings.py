"""Its settings."""

from typing import ClassVar

from moat.kit.settings import ProcessSettings


class Settings(ProcessSettings):
    """`THING_…`."""

    PREFIX: ClassVar[str] = "THING_"
    test_break: bool = False
    """The worker fails at once."""
