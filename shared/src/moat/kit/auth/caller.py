"""Who is calling: a member of staff, a partner's key or a customer, as a verified token says."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

CallerKind = Literal["staff", "key", "customer"]


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller. `id` is the staff id, the API key's id or the customer's id; never a secret."""

    kind: CallerKind
    id: str
    scopes: frozenset[str]
    roles: frozenset[str] = frozenset()
    customer_id: UUID | None = None
    """Set exactly for customers: the id in the token, before merges are followed."""

    @property
    def principal(self) -> str:
        """The caller's name in guards and audits: `staff:…`, `key:…`, `customer:…`."""
        return f"{self.kind}:{self.id}"
