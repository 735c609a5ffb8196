"""What tasks do inside the transaction they are given. The customers are locked, or in a consumed batch.

What stands follows from the facts that count by now, so facts, refunds, merges and splits in any order end in the same.
Rows of progress are locked before the facts are read: of two who tell of one member the second sees what the first has
added.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import NAMESPACE_OID, UUID, uuid5

from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.coupons import usecases as coupons
from loyalty_svc.earning.events import ORDER_PAID
from loyalty_svc.earning.rules import PROGRAMME, PROGRAMMES, Programmes, zone_at
from loyalty_svc.tasks import announcing, ownership, queries
from loyalty_svc.tasks.counting import Counted, Happening, Instance, Row, Watch
from loyalty_svc.tasks.periods import period_of
from loyalty_svc.tasks.plans import TASKS, CouponCode, Points, Task, Versions
from loyalty_svc.tasks.progress import Fact, StepState, completion, states
from loyalty_svc.tasks.queries import Given, Held, Saved
from loyalty_svc.tasks.rewarding import Won, give, take_back
from moat.contracts.orders import OrderPaid, OrderRefunded
from moat.customers import Parting
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, WrongDocument, valid_at, versions_of_two
from moat.kit.events import Event
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, nearest

Documents = tuple[Versions, Programmes]


class Running(NamedTuple):
    """A task that runs now, as one member sees it; `period` is the one that runs."""

    version: Published[Task]
    period: str
    steps: Sequence[StepState]
    completed_at: datetime | None


async def follow_facts(tx: Transaction, facts: Sequence[Event[Any]], *, now: datetime) -> None:
    """Count what counts for a task, and settle what follows; no statement more where no task is concerned."""
    versions, programmes = await documents(tx)
    watch = Watch.over(versions)
    counted, causes = _counted(watch, facts, programmes)
    orders = {one.of.fact_id for one in counted if one.of.on == ORDER_PAID}
    refunds = {}
    if ORDER_PAID in watch.by_type:
        refunds = {event.data.order_uid: event for event in facts if isinstance(event.data, OrderRefunded)}
    for order_uid, instance in await queries.instances_of(tx, refunds) if refunds else ():
        causes[instance] = refunds[order_uid]
        orders.add(order_uid)
    if not causes:
        return
    held = await queries.hold(tx, causes)
    # Nothing undoes what was completed without orders, so what is done beyond it need not be kept.
    fresh = [one for one in counted if not held[one.instance].stands or watch.reads_orders(one.instance.task)]
    if fresh:
        await queries.add(tx, fresh)
    if orders:
        await queries.follow_orders(tx, orders)
    await _settle(tx, watch, held, causes, now)


async def follow_merges(tx: Transaction, merges: Sequence[Event[Any]], *, now: datetime) -> None:
    """What either did and completed the survivor has; and two customers' facts may complete what neither's did."""
    survivors = {event.about: event for event in merges if event.data.from_id != event.about}
    for event in merges:
        if event.data.from_id != event.about:
            await ownership.move(tx, event.data.from_id, event.about)
    await _settle_all(tx, survivors, now)


async def follow_splits(tx: Transaction, splits: Sequence[Parting], *, now: datetime) -> None:
    """Each has what he did and completed himself, and what stands by that; what both did together stands no more."""
    for one in splits:
        await ownership.part(tx, one)
    await _settle_all(tx, {id_: one.event for one in splits for id_ in (one.survivor_id, one.customer_id)}, now)


async def running(
    tx: Transaction, customer_id: UUID, documents: Documents, *, after: str, limit: int, now: datetime
) -> list[Running]:
    """The tasks that run now, by code after `after`, as far as this member has come."""
    versions, programmes = documents
    day = now.astimezone(zone_at(programmes, now)).date()
    judging = [version for code in sorted(versions) if code > after if (version := valid_at(versions[code], now))]
    current = [one for one in judging if one.value.runs_at(now)][:limit]
    periods = [period_of(one.value.every, day) for one in current]
    instances = [Instance(customer_id, one.value.code, period) for one, period in zip(current, periods, strict=True)]
    facts = await queries.facts(tx, instances) if instances else {}
    standing = await queries.standing(tx, instances) if instances else {}
    found = []
    for version, instance in zip(current, instances, strict=True):
        steps = states(version.value, facts.get(instance, ()), today=day)
        found.append(Running(version, instance.period, steps, standing.get(instance[1:])))
    return found


async def documents(tx: Transaction) -> Documents:
    """Every version of the tasks and of the programme, in one statement."""
    versions, programmes = await versions_of_two(tx, TASKS, PROGRAMMES)
    return versions, programmes.get(PROGRAMME, ())


def _counted(
    watch: Watch, facts: Sequence[Event[Any]], programmes: Programmes
) -> tuple[list[Counted], dict[Instance, Event[Any]]]:
    """What counts, and the last event of each instance that it counts for."""
    counted: list[Counted] = []
    causes: dict[Instance, Event[Any]] = {}
    for event in facts:
        on = event.type.removeprefix("moat.").removesuffix(".v1")
        if on not in watch.by_type:
            continue
        for one in watch.counted(happening(event, on), row_of(event), zone_at(programmes, event.time)):
            counted.append(one)
            causes[one.instance] = event
    return counted, causes


def happening(event: Event[Any], on: str) -> Happening:
    """An event as tasks see it."""
    if isinstance(event.data, OrderPaid):
        fact_id = event.data.order_uid
    else:
        name = type(event.data).AGGREGATE_ID
        thing = getattr(event.data, name) if name else f"{event.source} {event.id}"
        fact_id = uuid5(NAMESPACE_OID, f"{event.type} {thing}")
    return Happening(event.about, on, event.time, event.recorded_at or event.time, fact_id, event.id)


def row_of(event: Event[Any]) -> Row:
    """The event as conditions ask about it, made once at most."""

    def row() -> Mapping[str, Any]:
        more = {"paid_at": event.time} if isinstance(event.data, OrderPaid) else {}
        return {**event.data.model_dump(), "at": event.time, **more}

    return cache(row)


async def _settle_all(tx: Transaction, customers: Mapping[UUID, Event[Any]], now: datetime) -> None:
    """Judge everything anew that these customers did, each because of an event."""
    if not customers:
        return
    await ownership.take_up(tx, customers)
    begun = await queries.instances_of_customers(tx, customers)
    if begun:
        versions, _ = await documents(tx)
        causes = {instance: customers[instance.customer_id] for instance in begun}
        await _settle(tx, Watch.over(versions), await queries.hold(tx, causes), causes, now)


async def _settle(
    tx: Transaction,
    watch: Watch,
    held: Mapping[Instance, Held],
    causes: Mapping[Instance, Event[Any]],
    now: datetime,
) -> None:
    """Judge these instances anew and let follow what follows: rewards, what is taken back, and what is told."""
    facts = await queries.facts(tx, held)
    saved: list[Saved] = []
    won: list[Won] = []
    for instance, before in held.items():
        known = watch.versions.get(instance.task, ())
        change, task = _judge(instance, before, known, facts.get(instance, []), causes[instance])
        if change is not None:
            saved.append(change)
            if task is not None and change.gift_id is not None:
                won.append(Won(instance, task, change.gift_id, change.completed_at or now, causes[instance]))
    if gone := [one.instance for one in saved if one.is_withdrawn]:
        beside = await ownership.take_beside(tx, gone)
        own = [Given(one, gift_id, held[one].code_id) for one in gone if (gift_id := held[one].gift_id)]
        kept = await take_back(tx, own + beside, causes, now=now)
        saved = [one for one in saved if not (one.is_withdrawn and held[one.instance].gift_id in kept)]
    if not saved:
        return
    await queries.save(tx, saved, at=now)
    given = await give(tx, won, now=now)
    announcing.announce(tx, saved, causes, given)


def _judge(
    instance: Instance,
    before: Held,
    versions: Sequence[Published[Task]],
    facts: Sequence[Fact],
    cause: Event[Any],
) -> tuple[Saved | None, Task | None]:
    """What changes, if anything does, and the version that completed it just now."""
    completed = completion(versions, facts, instance.period)
    task = completed.task if completed else _asked(versions, facts, instance)
    if task is None:
        return None, None
    steps = states(task, facts, today=max((fact.day for fact in facts), default=date.min))
    if completed and not before.stands:
        gift = {"gift_id": uuid7(), "completed_at": completed.at, "event_id": cause.id, **_reward_of(task)}
        return Saved(instance, steps, **gift), task
    is_withdrawn = before.stands and completed is None
    # A completion stands as it was when it came about; what is done beyond it changes nothing.
    if is_withdrawn or (not before.stands and _has_moved(before.done, steps)):
        return Saved(instance, steps, is_withdrawn), None
    return None, None


def _has_moved(before: Mapping[str, int], steps: Sequence[StepState]) -> bool:
    return any(step.done != before.get(step.code, 0) for step in steps)


def _asked(versions: Sequence[Published[Task]], facts: Sequence[Fact], instance: Instance) -> Task | None:
    """The version whose steps tell the progress: the last one for this kind of period that what happened falls into."""
    latest = max((fact.at for fact in facts), default=None)
    version = valid_at(versions, latest) if latest is not None else None
    if version is None or (facts and period_of(version.value.every, facts[0].day) != instance.period):
        fitting = [one for one in versions if not facts or period_of(one.value.every, facts[0].day) == instance.period]
        version = fitting[-1] if fitting else None
    return version.value if version else None


def _reward_of(task: Task) -> dict[str, Any]:
    reward = task.reward
    return {
        "rule": task.rule,
        "points": getattr(reward, "points", None),
        "account_type": getattr(reward, "account_type", None),
        "coupon": getattr(reward, "coupon", None),
        "badge": task.badge.code if task.badge else None,
    }


async def check_publishable(tx: Transaction, version: Published[Task], now: datetime) -> None:
    """Raises WrongDocument for a reward in an account type, or a coupon, that does not exist."""
    reward = version.value.reward
    if isinstance(reward, CouponCode):
        await coupons.published_coupon(tx, reward.coupon, at=now, pointer="/reward/coupon")
    elif isinstance(reward, Points):
        known = (await account_types(tx)).offered()
        if reward.account_type not in known:
            detail = f"no account type has this code{nearest(reward.account_type, known)}"
            raise WrongDocument(errors=[FieldError("/reward/account_type", detail)])
