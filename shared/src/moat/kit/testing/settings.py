"""What the testing kit reads from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TestingSettings(BaseSettings):
    """`CI` set: what cannot be tested fails instead of being skipped."""

    __test__ = False
    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    ci: str = Field(default="", validation_alias="CI")
