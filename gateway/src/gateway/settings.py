"""Every environment variable of the gateway."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr

from gateway.proxy.routing import CUSTOMER, LOYALTY, NOTIFY, SCORING, TICKET
from moat.kit.settings import ProcessSettings


class GatewaySettings(ProcessSettings):
    """`GATEWAY_…`; secrets and addresses have no default."""

    PREFIX: ClassVar[str] = "GATEWAY_"

    customer_url: str
    """`GATEWAY_CUSTOMER_URL`: http://host:port of customer-svc; the others alike."""
    ticket_url: str
    loyalty_url: str
    scoring_url: str
    notify_url: str

    signing_keys_dir: Path
    """Ed25519 private keys as PEM, `<kid>.pem`; all verify, the one with the last name signs."""
    api_key_pepper: Annotated[SecretStr, Field(min_length=16)]
    """The HMAC key over the secrets of API keys; without it the stored digests are worth nothing."""

    admin_email: str | None = None
    """With the password: the first member of staff, made by `--role migrate`."""
    admin_password: SecretStr | None = None
    admin_api_key: SecretStr | None = None
    intake_api_key: SecretStr | None = None
    notify_api_key: SecretStr | None = None
    """`mk_<id>_<secret>` each: scopes all, events:write, contacts:read; made by `--role migrate`."""

    limit_per_second: Annotated[float, Field(gt=0)] = 200.0
    limit_burst: Annotated[int, Field(ge=1)] = 400
    """Per API key, staff member, customer or (without a token) address, and per replica."""
    in_flight_max: Annotated[int, Field(ge=1)] = 256
    """Requests under way at once; one more is refused with 503."""

    def upstream_urls(self) -> dict[str, str]:
        """Service name → base address without a trailing slash."""
        urls = {
            CUSTOMER: self.customer_url,
            TICKET: self.ticket_url,
            LOYALTY: self.loyalty_url,
            SCORING: self.scoring_url,
            NOTIFY: self.notify_url,
        }
        return {name: url.rstrip("/") for name, url in urls.items()}
