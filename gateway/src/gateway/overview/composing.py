"""THE HEART of the overview: from what each service answered to one picture, naming what is missing.

A part that the caller may not see is null; a part whose service did not answer (or has not heard of the customer yet)
is null and its service is named. Only customer-svc can say that there is no such customer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.overview.problems import NothingToShow, UnknownCustomer
from gateway.proxy.routing import CUSTOMER, LOYALTY, NOTIFY, SCORING, TICKET
from moat.kit.problems import Forbidden

LIST_MAX: Final = 20
SERVICE_OF_PART: Final = {
    "customer": CUSTOMER,
    "loyalty": LOYALTY,
    "scores": SCORING,
    "tickets": TICKET,
    "messages": NOTIFY,
}
_LISTS: Final = frozenset({"tickets", "messages"})


@dataclass(frozen=True, slots=True)
class Part:
    """What a service said about its part; status 0 if it was silent."""

    status: int
    document: Any = None


def parts_for(*, is_customer: bool) -> list[str]:
    """The parts that this kind of caller is shown: a customer sees no scores of himself."""
    return [part for part in SERVICE_OF_PART if not (is_customer and part == "scores")]


def compose(parts: Mapping[str, Part]) -> dict[str, Any]:
    """The overview. Raises UnknownCustomer, Forbidden, or NothingToShow when nobody answered."""
    customer = parts["customer"]
    if customer.status == 404:
        raise UnknownCustomer
    if customer.status in (401, 403):
        raise Forbidden
    overview: dict[str, Any] = {}
    missing: list[str] = []
    for name, part in parts.items():
        shown = part.document if part.status == 200 else None
        if shown is not None and name in _LISTS:
            shown = shown.get("items") if isinstance(shown, dict) else None
        overview[name] = shown
        if shown is None and part.status not in (401, 403):
            missing.append(SERVICE_OF_PART[name])
    if all(overview[name] is None for name in parts):
        raise NothingToShow(retry_after_seconds=1)
    return {**overview, "missing": missing}
