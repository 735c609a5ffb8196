"""`python -m moat.kit.web.probe LOYALTY_PORT`: exit 0 when the process on this machine says that it is ready.

A container's health check; images carry no curl.
"""

import http.client
import sys
from typing import Final

from pydantic_settings import BaseSettings, SettingsConfigDict

TIMEOUT_SECONDS: Final = 2.0


def is_ready(port: int) -> bool:
    """Whether `/readyz` on this port answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def main(variable: str) -> int:
    """Ask the port that the variable names."""

    class Probe(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=variable.removesuffix("PORT"), extra="ignore")
        port: int

    return 0 if is_ready(Probe().port) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
