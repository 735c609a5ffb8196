"""Builders of raw facts: a shopper says what he did. Every shopper is somebody new, so tests can share a house."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

SHOP = "/shops/main"
Fact = dict[str, Any]


def ago(**distance: float) -> str:
    """An instant in the past: `ago(days=3)`."""
    return (datetime.now(UTC) - timedelta(**distance)).isoformat()


def word() -> str:
    """A name that nobody has had."""
    return uuid4().hex[:16]


def a_phone() -> str:
    """A Chinese mobile number that nobody has had, as E.164."""
    return f"+86139{uuid4().int % 10**8:08d}"


@dataclass(frozen=True)
class Shopper:
    """Somebody by his outside names, the first of which finds him."""

    names: tuple[dict[str, str], ...]

    def also(self, kind: str, value: str, system: str = "main") -> "Shopper":
        """The same, known by one more name."""
        return replace(self, names=(*self.names, {"system": system, "kind": kind, "value": value}))

    def says(
        self, type_: str, *, at: str | None = None, id: str | None = None, source: str = SHOP, **data: Any
    ) -> Fact:
        """Any fact about him, by the last part of its type (`order.paid`)."""
        return {
            "specversion": "1.0",
            "id": id or word(),
            "source": source,
            "type": f"moat.intake.{type_}.v1",
            "time": at or ago(seconds=1),
            "data": {"customer": list(self.names), **data},
        }

    def paid(self, total_minor: int, order: str | None = None, *, currency: str = "CNY", **more: Any) -> Fact:
        """He paid an order."""
        return self.says(
            "order.paid", order_id=order or word(), currency=currency, total_minor=total_minor, lines=[], **more
        )

    def refunded(self, amount_minor: int, order: str, *, refund: str | None = None, **more: Any) -> Fact:
        """Money went back to him."""
        more.setdefault("currency", "CNY")
        return self.says(
            "order.refunded", order_id=order, refund_id=refund or word(), amount_minor=amount_minor, **more
        )

    def profile(self, **profile: Any) -> Fact:
        """Another system knows more about him."""
        return self.says("profile.updated", profile=profile)


def a_shopper(system: str = "main", kind: str = "customer_id") -> Shopper:
    """Somebody new."""
    return Shopper(({"system": system, "kind": kind, "value": word()},))
