"""What a basket would earn if it were paid now: judged as a paid order is, by the same heart, and nothing is kept.

Counters of limits are read as they are, so what two baskets foresee at once may be more than both get.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from loyalty_svc.checkout import queries
from loyalty_svc.coupons.basket import Basket
from loyalty_svc.discounts import usecases as discounts
from loyalty_svc.discounts.share import FIELD
from loyalty_svc.earning import usecases as earning
from loyalty_svc.earning.bench import Bench
from moat.contracts.orders import Line, OrderPaid
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.money import AMOUNT_MAX

SOURCE = "/loyalty/checkout"


class Award(NamedTuple):
    """What one rule would give: points in each of `account_types`. pending: until they can be spent.

    wanted: what it would give without limits; cut_by: the limit that made it less, refused it, or holds it.
    """

    rule: str
    account_types: Sequence[str]
    points: int
    wanted: int
    pending: timedelta | None = None
    cut_by: str | None = None
    is_held: bool = False


class Foreseen(NamedTuple):
    """What an order would earn, rule by rule."""

    total_minor: int
    awards: Sequence[Award]

    @property
    def points(self) -> Counter[str]:
        """By account type; what is held for a person to decide is not in it."""
        found: Counter[str] = Counter()
        for award in self.awards:
            if award.points and not award.is_held:
                found.update(dict.fromkeys(award.account_types, award.points))
        return found


async def foresee(
    tx: Transaction, basket: Basket, total_minor: int, customer_id: UUID, *, order_source: str, at: datetime
) -> Foreseen:
    """What the basket would earn if `total_minor` of money were paid for it now."""
    book = await earning.book_of(tx)
    happening = earning.order_happening(_paid(basket, total_minor, customer_id, order_source, at), book)
    happening.row["tier"] = basket.tier
    judge = happening.judge
    if judge is None:
        return Foreseen(total_minor, ())
    if judge.reads_discounts:
        happening.row[FIELD] = await discounts.share(tx, customer_id, at)
    bench = Bench(book, {0: happening})
    if judge.has_limits:
        bench.counters = dict(await queries.counters(tx, bench.keys()))
    decided = bench.decide(0)
    cuts = {note.rule.name: note for note in decided.noted}
    awards = []
    for given in decided.awards:
        note = cuts.pop(given.rule, None)
        credits = given.terms.credits or judge.programme.credits
        wanted, cut_by = (note.wanted, note.cut_by) if note else (given.points, None)
        awards.append(Award(given.rule, credits, given.points, wanted, given.terms.pending, cut_by))
    for note in cuts.values():
        terms = note.rule.terms
        credits = terms.credits or judge.programme.credits
        awards.append(
            Award(note.rule.name, credits, note.points, note.wanted, terms.pending, note.cut_by, note.is_held)
        )
    return Foreseen(total_minor, awards)


def _paid(basket: Basket, total_minor: int, customer_id: UUID, order_source: str, at: datetime) -> Event[OrderPaid]:
    """The basket as the fact that it would become."""
    uid = uuid7()
    data = OrderPaid(
        order_uid=uid,
        order_source=order_source,
        order_id="",
        currency=basket.currency,
        # A fact carries no more; it differs only where the shipping comes on top of goods of that much.
        total_minor=min(total_minor, AMOUNT_MAX),
        channel=basket.channel,
        lines=tuple(Line(**line.row()) for line in basket.lines),
    )
    return Event(id=str(uid), source=SOURCE, type=OrderPaid.TYPE, time=at, data=data, key="", subject_id=customer_id)
