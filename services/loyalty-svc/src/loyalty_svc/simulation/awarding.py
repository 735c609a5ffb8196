"""An earning rule that is simulated: the heart of earning, twice over the same facts.

Two books, the published one and one with the draft in place of its code's versions, each with orders, counters and
awards of its own that begin with nothing. What judges every day judges here: bench, rules, formulas, limits and the
folding of orders with their refunds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from loyalty_svc.earning import usecases as earning
from loyalty_svc.earning.bench import Bench, Happening
from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.judging import Book
from loyalty_svc.earning.limits import Counter, Key
from loyalty_svc.earning.orders import Decision, Earned, OrderEarning
from loyalty_svc.earning.rules import Rule
from loyalty_svc.simulation import queries
from loyalty_svc.simulation.comparing import DRAFT, PUBLISHED, Tally, week_of
from loyalty_svc.simulation.problems import TooMuch
from loyalty_svc.tiers import queries as tiers
from loyalty_svc.tiers.evaluation import TierPlan
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published
from moat.kit.events import Event

STATES_MAX: Final = 4_000_000
"""So many orders, counters and awards of both runs are remembered at most: about 2 GB."""


def with_draft(book: Book, draft: Rule) -> Book:
    """The same book with a draft in place of every version of its rule, as if it had always been published."""
    others = [many for many in book.rules if many[0].value.ref.code != draft.ref.code]
    spans = [(one.valid_from, one.valid_to) for one in book.programmes]
    spans += [(one.valid_from, one.valid_to) for many in others for one in many]
    begins = {instant for span in spans for instant in span if instant is not None}
    rules = [*others, (Published(draft.ref, None, None, True, draft),)]
    return Book(book.programmes, rules, sorted(begins), versions=book.versions)


def apart(events: Sequence[Event[Any]]) -> Iterator[Sequence[Event[Any]]]:
    """The same facts in their order, in parts in which each customer has one at most."""
    first = 0
    seen: set[UUID] = set()
    for place, event in enumerate(events):
        if event.about in seen:
            yield events[first:place]
            first = place
            seen.clear()
        seen.add(event.about)
    if first < len(events):
        yield events[first:]


@dataclass(slots=True)
class Growth:
    """What each customer would have of the account type that a plan over a lifetime counts, by either run.

    granted: the tiers that were given by hand and are in force today.
    """

    plan: TierPlan
    since: datetime
    values: dict[UUID, list[int]] = field(default_factory=dict)
    granted: dict[UUID, str] = field(default_factory=dict)

    async def meet(self, tx: Transaction, customer_ids: set[UUID]) -> None:
        """Learn what they had when the window begins, and what was granted to them; once for each."""
        unknown = [id_ for id_ in customer_ids if id_ not in self.values]
        if unknown:
            had = await queries.grown_before(tx, unknown, self.plan.over, self.since)
            self.values |= {id_: [had.get(id_, 0)] * 2 for id_ in unknown}
            standings = await tiers.standings(tx, unknown)
            self.granted |= {id_: one.tier for id_, one in standings.items() if one.is_granted}

    def tier(self, run: int, customer_id: UUID) -> str:
        """The tier that it comes to."""
        granted = self.granted.get(customer_id)
        return granted if granted is not None else self.plan.tier_for(self.values[customer_id][run]).code


@dataclass(slots=True)
class Run:
    """One of the two; all that its hearts have to remember of the facts so far."""

    number: int
    book: Book
    orders: dict[UUID, OrderEarning] = field(default_factory=dict)
    counters: dict[Key, Counter] = field(default_factory=dict)
    rewarded: set[UUID] = field(default_factory=set)
    held: int = 0


@dataclass(slots=True)
class Awarding:
    """Both runs, and what they give."""

    runs: tuple[Run, Run]
    tally: Tally
    growth: Growth | None = None

    @classmethod
    def over(cls, book: Book, draft: Rule, plan: TierPlan, since: datetime) -> "Awarding":
        """Nothing has happened yet."""
        runs = Run(PUBLISHED, book), Run(DRAFT, with_draft(book, draft))
        asks_tier = any(one.value.reads_tier for run in runs for many in run.book.rules for one in many)
        return cls(runs, Tally(), Growth(plan, since) if asks_tier and plan.is_for_life else None)

    def asks(self) -> set[str]:
        """The event types that a rule of either book judges, and refunds where orders are among them."""
        types = {one.value.on for run in self.runs for many in run.book.rules for one in many}
        return types | {"order.refunded"} if ORDER_PAID in types else types

    async def take(self, tx: Transaction, events: Sequence[Event[Any]]) -> None:
        """The next facts. Raises TooMuch."""
        # What a fact leads to may be the next one's tier.
        for part in [events] if self.growth is None else apart(events):
            await self._take(tx, part)
        remembered = sum(len(run.orders) + len(run.counters) + len(run.rewarded) for run in self.runs)
        if remembered > STATES_MAX:
            raise TooMuch

    async def _take(self, tx: Transaction, events: Sequence[Event[Any]]) -> None:
        for run in self.runs:
            bench = await self._bench(tx, run, events)
            for place, event in enumerate(events):
                if isinstance(event.data, OrderPaid | OrderRefunded):
                    self._order(run, bench, place, event)
                elif place in bench.happenings:
                    self._event(run, bench, place)
                if (decided := bench.decided.get(place)) is not None and decided.noted:
                    run.held += sum(note.points for note in decided.noted if note.is_held)

    async def _bench(self, tx: Transaction, run: Run, events: Sequence[Event[Any]]) -> Bench:
        bench = Bench(
            run.book,
            {
                place: happening
                for place, event in enumerate(events)
                if not isinstance(event.data, OrderRefunded)
                and run.book.is_about((happening := _happening(event, run.book)).on)
                and happening.cause_id not in run.rewarded
            },
        )
        # Where a run leads to tiers itself, nothing has to be asked about them.
        if self.growth is None or any(judge.reads_discounts for judge in bench.judges()):
            await earning.read_members(tx, bench)
        if self.growth is not None:
            await self.growth.meet(tx, {one.customer_id for one in bench.happenings.values()})
            for one in bench.happenings.values():
                one.row["tier"] = self.growth.tier(run.number, one.customer_id)
        if any(judge.has_limits for judge in bench.judges()):
            keys = bench.keys()
            bench.counters = {key: run.counters.setdefault(key, Counter()) for key in keys}
        return bench

    def _order(self, run: Run, bench: Bench, place: int, event: Event[Any]) -> None:
        if isinstance(event.data, OrderPaid) and place not in bench.happenings:
            return
        order = run.orders.setdefault(event.data.order_uid, OrderEarning(event.data.order_uid))
        for decision in earning.fold(order, place, event, bench):
            self._give(run, order, decision)

    def _give(self, run: Run, order: OrderEarning, decision: Decision) -> None:
        points = decision.award.points if isinstance(decision, Earned) else -decision.points
        credits = decision.award.terms.credits if isinstance(decision, Earned) else decision.credits
        assert order.programme_version is not None
        programme = run.book.versions[order.programme_version]
        self._add(run, decision.customer_id, decision.at, credits or programme.credits, points, programme.zone)

    def _event(self, run: Run, bench: Bench, place: int) -> None:
        one = bench.happenings[place]
        # It may be told again in the same slice.
        if one.cause_id in run.rewarded:
            return
        decided = bench.decide(place)
        if decided.awards or decided.noted:
            run.rewarded.add(one.cause_id)
        assert one.judge is not None
        programme = one.judge.programme
        for award in decided.awards:
            credits = award.terms.credits or programme.credits
            self._add(run, one.customer_id, one.at, credits, award.points, programme.zone)

    def _add(
        self, run: Run, customer_id: UUID, at: datetime, credits: Sequence[str], points: int, zone: ZoneInfo
    ) -> None:
        week = week_of(at, zone)
        for account_type in credits:
            self.tally.add(run.number, customer_id, week, account_type, points)
            if self.growth is not None and account_type == self.growth.plan.over:
                self.growth.values[customer_id][run.number] += points

    def held(self) -> dict[str, int]:
        """Points that would wait for a person to decide."""
        return {"published": self.runs[PUBLISHED].held, "draft": self.runs[DRAFT].held}


def _happening(event: Event[Any], book: Book) -> Happening:
    is_order = isinstance(event.data, OrderPaid)
    return earning.order_happening(event, book) if is_order else earning.event_happening(event, book)
