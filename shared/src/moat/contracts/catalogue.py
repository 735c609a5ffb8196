"""Every event type of the house, by name."""

from typing import Final

from moat.contracts import customers, engagement, intake, loyalty, orders, scoring, tickets
from moat.kit.events import Catalogue, catalogue_of

INTAKE: Final[Catalogue] = catalogue_of(intake.EVENTS)
CANONICAL: Final[Catalogue] = catalogue_of(
    (*orders.EVENTS, *customers.EVENTS, *tickets.EVENTS, *loyalty.EVENTS, *scoring.EVENTS, *engagement.EVENTS)
)
EVENTS: Final[Catalogue] = {**INTAKE, **CANONICAL}
