"""What `make run` reads from the environment; the processes it starts get theirs from `plan`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

Events = Literal["embedded", "kafka"]
Demo = Literal["cdnow", "none"]


class LocalSettings(BaseSettings):
    """`MOAT_HOME`, `MOAT_PORT`, `MOAT_DEMO`, `MOAT_EVENTS` and `MOAT_KAFKA_BOOTSTRAP`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="MOAT_")

    home: Path = Path(".moat")
    port: int = Field(default=8000, ge=1, le=65535)
    demo: Demo = "cdnow"
    events: Events = "embedded"
    kafka_bootstrap: str = ""
    """`host:port[,host:port]` of an existing broker; empty starts a local one."""
