"""The heart of a task that is simulated: which of its facts count, and who would have completed it when.

Facts are judged all together at the end, as the heart of tasks does: in any order of arrival they come to the same. An
order counts with what is left of it after the refunds that are known.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.tasks.counting import Counted, Instance, Watch
from loyalty_svc.tasks.plans import Versions
from loyalty_svc.tasks.progress import Completion, Fact, completion


class Order(NamedTuple):
    """What an order came to when it was paid."""

    currency: str
    total_minor: int


@dataclass(slots=True)
class Refunds:
    """The refunds of each order, once each: the same for whatever task looks at them."""

    known: dict[UUID, dict[str, tuple[str, int]]] = field(default_factory=dict)

    def add(self, order_uid: UUID, refund_id: str, currency: str, amount_minor: int) -> None:
        """Money went back."""
        self.known.setdefault(order_uid, {}).setdefault(refund_id, (currency, amount_minor))

    def kept_minor(self, order_uid: UUID, order: Order) -> int:
        """What is left; a refund in another currency has no effect."""
        gone = sum(amount for currency, amount in self.known.get(order_uid, {}).values() if currency == order.currency)
        return order.total_minor - min(order.total_minor, gone)


@dataclass(slots=True)
class TaskRun:
    """One task in its versions, and what counted for it."""

    versions: Versions
    watch: Watch = field(init=False)
    facts: dict[Instance, dict[tuple[UUID, str], Fact]] = field(default_factory=dict)
    orders: dict[UUID, Order] = field(default_factory=dict)
    counted: int = 0

    def __post_init__(self) -> None:
        self.watch = Watch.over(self.versions)

    def count(self, found: Iterator[Counted], order: Order | None) -> None:
        """It counts for these steps; however often it is told, once."""
        for one in found:
            own = self.facts.setdefault(one.instance, {})
            key = (one.of.fact_id, one.step)
            if key not in own:
                self.counted += 1
                own[key] = Fact(one.of.at, one.of.fact_id, one.step, one.day)
                if order is not None:
                    self.orders.setdefault(one.of.fact_id, order)

    def completed(self, refunds: Refunds) -> Iterator[tuple[Instance, Completion]]:
        """Who completed it, in which period, when and by which version."""
        for instance, facts in self.facts.items():
            found = completion(self.versions[instance.task], self._that_count(facts, refunds), instance.period)
            if found is not None:
                yield instance, found

    def _that_count(self, facts: Mapping[tuple[UUID, str], Fact], refunds: Refunds) -> Sequence[Fact]:
        counting = []
        for fact in facts.values():
            order = self.orders.get(fact.fact_id)
            if order is None:
                counting.append(fact)
                continue
            kept = refunds.kept_minor(fact.fact_id, order)
            if kept > 0 or order.total_minor == 0:
                counting.append(fact._replace(currency=order.currency, kept_minor=kept))
        return counting

    def asks(self) -> set[str]:
        """The event types that it counts, and refunds where it counts orders."""
        types = set(self.watch.by_type)
        return types | {"order.refunded"} if ORDER_PAID in types else types
