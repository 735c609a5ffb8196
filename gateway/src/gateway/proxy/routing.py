"""Where each path is answered: a table, and the lookup that reads it without trying patterns one by one."""

from typing import Final, NamedTuple

CUSTOMER, TICKET, LOYALTY, SCORING, NOTIFY = "customer-svc", "ticket-svc", "loyalty-svc", "scoring-svc", "notify-svc"
SERVICES: Final = (CUSTOMER, TICKET, LOYALTY, SCORING, NOTIFY)


class Route(NamedTuple):
    """One line of the table. `service` None is the gateway itself; `template` is what metrics and logs may show."""

    template: str
    service: str | None
    deadline_seconds: float = 8.0


OWN: Final = Route("gateway", None)
HEALTH: Final = Route("health", None)
_HEALTH_PATHS: Final = frozenset({b"/livez", b"/readyz", b"/metrics"})

_CUSTOMERS: Final = Route("/v1/customers", CUSTOMER)
_BY_HEAD: Final[dict[bytes, Route]] = {
    b"customers": _CUSTOMERS,
    b"contacts": Route("/v1/contacts", CUSTOMER),
    b"tickets": Route("/v1/tickets", TICKET),
    b"loyalty": Route("/v1/loyalty", LOYALTY, 20.0),
    b"scores": Route("/v1/scores", SCORING),
    b"risks": Route("/v1/risks", SCORING),
    b"inbox": Route("/v1/inbox", NOTIFY),
    b"messages": Route("/v1/messages", NOTIFY),
}
# `/v1/customers/{customer_id}/<part>…`; every other part is customer-svc's.
_BY_PART: Final[dict[bytes, Route]] = {
    b"loyalty": Route("/v1/customers/{customer_id}/loyalty", LOYALTY),
    b"scores": Route("/v1/customers/{customer_id}/scores", SCORING),
    b"messages": Route("/v1/customers/{customer_id}/messages", NOTIFY),
    b"overview": OWN,
}


def route_of(raw_path: bytes) -> Route:
    """The route of a plain path; what nobody serves is the gateway's own, which answers 404.

    A trailing slash is nobody's: services would answer with a redirect that names their own address.
    """
    parts = raw_path.split(b"/", 5)
    if len(parts) < 3 or parts[1] != b"v1" or raw_path.endswith(b"/"):
        return HEALTH if raw_path in _HEALTH_PATHS else OWN
    if len(parts) > 4 and parts[2] == b"customers":
        return _BY_PART.get(parts[4], _CUSTOMERS)
    return _BY_HEAD.get(parts[2], OWN)


def service_of(path: str) -> str | None:
    """The service that answers an OpenAPI path (`/v1/customers/{customer_id}/loyalty`), None for the gateway's own."""
    return route_of(path.encode()).service
