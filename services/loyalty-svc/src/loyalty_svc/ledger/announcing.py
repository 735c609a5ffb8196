"""What the ledger tells the other services of points that moved."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.ledger.giving import REVIVED
from loyalty_svc.ledger.posting import AccountKey, Kind, Posted, Posting
from loyalty_svc.ledger.tables import GROWTH, POINTS
from loyalty_svc.lots.lots import Change
from moat.contracts.loyalty import (
    MemberEnrolled,
    PointsAdjusted,
    PointsEarned,
    PointsExpired,
    PointsMoved,
    PointsPending,
    PointsReversed,
    PointsSpent,
)
from moat.kit.db.transaction import Transaction
from moat.kit.events import Cause as EventCause
from moat.kit.events import Event, EventData

Why = Event[Any] | EventCause | None

_SAID: Final[Mapping[Kind, type[PointsMoved]]] = {
    Kind.EARNED: PointsEarned,
    Kind.REVERSED: PointsReversed,
    Kind.SPENT: PointsSpent,
    Kind.EXPIRED: PointsExpired,
    Kind.ADJUSTED: PointsAdjusted,
}
_TOLD_TOGETHER: Final = frozenset({PointsEarned, PointsReversed})
_OF_ORDERS: Final = frozenset({Kind.EARNED, Kind.REVERSED})
"""Those whose cause, where it has an order, is that order; a hold for an order is its own."""


def moved(
    tx: Transaction, run: Sequence[Posted], *, now: datetime | None = None, events: Iterable[Event[Any]] = ()
) -> None:
    """`moved_by` the events that the postings name.

    events: those of them that are at hand, so that correlation and trace go on.
    """
    known: dict[str, Why] = {event.id: event for event in events}
    named = [one.posting.cause.event_id for one in run]
    moved_by(tx, run, [known.setdefault(id_, EventCause(id_, None, None)) if id_ else None for id_ in named], now=now)


def moved_by(tx: Transaction, run: Sequence[Posted], causes: Sequence[Why], *, now: datetime | None = None) -> None:
    """Publish new members and what postings did, in their order; with `now` awards that wait are told apart.

    causes: what led to each posting. What one of them gave by several rules is told of once. Growth is told of by
    tiers. Expired points that came back to be taken back are not told of: the posting that takes them is.
    Those that live on after all are told of as a correction.
    """
    told: list[tuple[type[EventData], dict[str, Any], UUID, datetime, Why]] = []
    enrolled: set[UUID] = set()
    same: tuple[Why, UUID | None, datetime | None] = None, None, None
    joins: dict[tuple[type[PointsMoved], str], dict[str, Any]] = {}
    for (id_, posting, accounts, balances), cause in zip(run, causes, strict=True):
        customer_id, basis, at, _, amounts, _ = posting
        if cause is None or cause is not same[0] or customer_id != same[1] or at != same[2]:
            same, joins = (cause, customer_id, at), {}
        kind = _kind(posting, now)
        for account, amount, balance in zip(accounts, amounts, balances, strict=True):
            account_type = account.account_type
            if account_type == GROWTH or (basis.kind is Kind.EXPIRED and amount > 0 and basis.reason != REVIVED):
                continue
            is_new = account.before_at is None and account_type == POINTS
            if is_new and basis.kind is Kind.EARNED and customer_id not in enrolled:
                enrolled.add(customer_id)
                told.append((MemberEnrolled, {}, customer_id, at, cause))
            before = joins.get((kind, account_type))
            if before is not None:
                _join(before, id_, basis.rule, abs(amount), balance)
                continue
            facts = _facts(id_, posting, account_type, amount, balance, kind)
            told.append((kind, facts, customer_id, at, cause))
            if kind in _TOLD_TOGETHER:
                joins[kind, account_type] = facts
    # What calling the class does, without a copy of the facts; there are thousands.
    tx.publish_all(
        [(kind.__pydantic_validator__.validate_python(facts), about, at, why) for kind, facts, about, at, why in told]
    )


def _kind(posting: Posting, now: datetime | None) -> type[PointsMoved]:
    kind, pending = posting.basis.kind, posting.basis.pending
    if kind is Kind.EARNED and pending and now and posting.at + pending > now:
        return PointsPending
    if posting.basis.reason == REVIVED:
        return PointsAdjusted
    return _SAID[kind]


def _facts(
    id_: UUID, posting: Posting, account_type: str, amount: int, balance_after: int, kind: type[PointsMoved]
) -> dict[str, Any]:
    """What one posting did to one account; what the kind does not say is left out when it is made."""
    _, basis, at, cause, _, _ = posting
    facts: dict[str, Any] = {
        "posting_id": id_,
        "account_type": account_type,
        "amount": abs(amount),
        "balance_after": balance_after,
        "order_id": cause.order_id,
        "rule": basis.rule,
        "reason": basis.reason,
    }
    if cause.order_id is not None and basis.kind in _OF_ORDERS:
        facts["order_uid"] = cause.id
    if kind is PointsPending and basis.pending is not None:
        facts["available_at"] = at + basis.pending
    elif kind is PointsEarned:
        facts["rules"] = {} if basis.rule is None else {basis.rule: abs(amount)}
    elif kind is PointsAdjusted:
        facts["direction"] = "given" if amount > 0 else "taken"
    return facts


def _join(facts: dict[str, Any], id_: UUID, rule: str | None, amount: int, balance_after: int) -> None:
    """Add another posting to what is told of those before it."""
    facts["posting_id"] = id_
    facts["amount"] += amount
    facts["balance_after"] = balance_after
    facts["rule"] = None
    if rule is not None:
        rules = facts.setdefault("rules", {})
        rules[rule] = rules.get(rule, 0) + amount


def came_of_age(tx: Transaction, changes: Mapping[AccountKey, Change], balances: Mapping[AccountKey, int]) -> None:
    """Publish as earned what was pending; it names the posting that gave it."""
    for key, change in changes.items():
        for lot, points in change.ripened:
            earned = PointsEarned(
                posting_id=lot.posting_id, account_type=key[1], amount=points, balance_after=balances[key]
            )
            tx.publish(earned, about=key[0], time=lot.available_at)
