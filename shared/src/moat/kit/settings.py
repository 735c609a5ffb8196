"""Settings: one frozen class per process, read once from the environment and passed down.

No other module reads the environment. Secrets and addresses have no default. A service's own variables carry its
name as prefix (`LOYALTY_DATABASE_URL`); what all processes share carries `MOAT_`.
"""

from typing import Annotated, Any, ClassVar

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ProcessSettings(BaseSettings):
    """What every process of the house needs; subclasses set `PREFIX` (`LOYALTY_`) and add their own."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)
    PREFIX: ClassVar[str] = ""

    database_url: SecretStr
    """`<SERVICE>_DATABASE_URL`: postgresql://<svc>_app:…@host/db, the role that does not own the tables."""
    owner_database_url: SecretStr | None = None
    """`<SERVICE>_OWNER_DATABASE_URL`: the owner's, for `--role migrate` only."""
    host: str = "127.0.0.1"
    port: int = 0
    """`<SERVICE>_PORT`; 0 takes a free one."""
    database_pool_connections: Annotated[int, Field(ge=2, le=100)] = 10

    events_url: Annotated[SecretStr, Field(validation_alias=AliasChoices("MOAT_EVENTS_URL", "events_url"))]
    """postgresql://… (the durable log of one machine) or kafka://host:port[,host:port]."""
    gateway_url: Annotated[str, Field(validation_alias=AliasChoices("MOAT_GATEWAY_URL", "gateway_url"))]
    """Where the gateway answers: its key set is fetched from there."""
    token_issuer: Annotated[str, Field(validation_alias=AliasChoices("MOAT_TOKEN_ISSUER", "token_issuer"))] = "moat"
    log_level: Annotated[str, Field(validation_alias=AliasChoices("MOAT_LOG_LEVEL", "log_level"))] = "info"
    traces_url: Annotated[str | None, Field(validation_alias=AliasChoices("MOAT_TRACES_URL", "traces_url"))] = None
    """OTLP/HTTP endpoint, whole (http://collector:4318/v1/traces); without it spans are passed on but not exported."""
    parent_pipe: Annotated[int | None, Field(validation_alias=AliasChoices("MOAT_PARENT_PIPE", "parent_pipe"))] = None
    """A file descriptor that closes when the supervisor is gone; the process then stops in order."""

    stop_grace_seconds: Annotated[
        float, Field(ge=0, le=10, validation_alias=AliasChoices("MOAT_STOP_GRACE_SECONDS", "stop_grace_seconds"))
    ] = 0.0
    """Between readiness off and closing the door, for a balancer to notice: 3 in a cluster, none on one machine."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.model_config = SettingsConfigDict(**{**cls.model_config, "env_prefix": cls.PREFIX})
