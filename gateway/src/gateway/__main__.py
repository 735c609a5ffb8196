"""`python -m gateway --role all|web|worker|migrate`; the gateway has no worker, so `all` is `web`."""

from gateway.features import SERVICE
from gateway.main import bootstrap_with, create_app, keyring_of
from gateway.settings import GatewaySettings
from moat.kit.run import run

if __name__ == "__main__":
    run(
        SERVICE,
        GatewaySettings,
        create_app,
        None,
        package="gateway",
        keys=keyring_of,
        after_migrate=bootstrap_with,
    )
