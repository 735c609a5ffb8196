"""The table of contents of the gateway. It has routes only: no events, no timers, no outbox of its own."""

from typing import Final

from gateway.documents.api import router as documents
from gateway.identity.api import router as identity
from gateway.identity.people_api import router as people
from gateway.intake.api import router as intake
from gateway.ops.api import router as ops
from gateway.overview.api import router as overview
from moat.kit.feature import Feature, Service

# limits, upstreams and proxy stand before these: every request passes through them (proxy/edge.py).
SERVICE: Final = Service(
    name="gateway",
    title="Moat",
    features=(
        Feature("identity", routes=identity),
        Feature("people", routes=people),
        Feature("intake", routes=intake),
        Feature("overview", routes=overview),
        Feature("ops", routes=ops),
        Feature("documents", routes=documents),
    ),
)
