"""THE HEART of rights: the scopes there are, and what each role may do (interface.md §2)."""

from collections.abc import Iterable
from typing import Final, Literal, get_args

Scope = Literal[
    "events:write",
    "customers:read",
    "customers:write",
    "customers:token",
    "contacts:read",
    "tickets:read",
    "tickets:write",
    "loyalty:read",
    "loyalty:write",
    "scores:read",
    "messages:read",
    "ops",
    "identity",
]
Role = Literal["admin", "manager", "agent", "analyst"]

SCOPES: Final[frozenset[str]] = frozenset(get_args(Scope))
# Addresses of customers in bulk are for machines that send, so `contacts:read` is not among the reads of people.
_READS: Final = frozenset({"customers:read", "tickets:read", "loyalty:read", "scores:read", "messages:read"})
_BY_ROLE: Final[dict[str, frozenset[str]]] = {
    "admin": SCOPES,
    "manager": SCOPES - {"identity", "ops", "contacts:read"},
    "agent": _READS | {"customers:write", "tickets:write"},
    "analyst": _READS,
}


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """Everything these roles may do together; an unknown role may do nothing."""
    return frozenset().union(*(_BY_ROLE.get(role, frozenset()) for role in roles))
