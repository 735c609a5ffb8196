"""Every environment variable of notify-svc."""

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from moat.kit.settings import ProcessSettings


class Settings(ProcessSettings):
    """`NOTIFY_…`; secrets and addresses have no default."""

    PREFIX: ClassVar[str] = "NOTIFY_"

    api_key: SecretStr
    """`NOTIFY_API_KEY`: the service's own key (`mk_…`) with the scope contacts:read."""
    smtp_url: SecretStr
    """`NOTIFY_SMTP_URL`: smtp://[user:password@]host:port, or smtps:// for TLS from the first byte."""
    sender: Annotated[str, Field(pattern=r"^\S+@\S+$")]
    """`NOTIFY_SENDER`: the address that e-mails come from."""
    send_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    lookup_timeout_seconds: Annotated[float, Field(gt=0, le=30)] = 5.0
