"""What is looked at when an account type is published or retired, and what follows from it.

Before one is retired every kind of document is asked that may name it. When a version begins that writes debts off,
those from before are written off, too, in slices; who comes to owe in the very moment of publishing is found by a last
look, a minute after the end.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_svc.account_types import queries
from loyalty_svc.account_types.problems import AccountTypeNamed
from loyalty_svc.accounts import usecases as accounts
from loyalty_svc.accounts.types import AccountType
from loyalty_svc.checkout.payment import PAYMENTS
from loyalty_svc.clubs.club import CLUBS
from loyalty_svc.earning.rules import PROGRAMMES, RULES
from loyalty_svc.ledger.audit import WRITING_OFF
from loyalty_svc.ledger.settling import settle
from loyalty_svc.milestones.plans import MILESTONES, PointsGift
from loyalty_svc.referrals.programme import REFERRALS
from loyalty_svc.rewards.document import REWARDS
from loyalty_svc.surprises.surprise import SURPRISES
from loyalty_svc.tasks.plans import TASKS, Points
from loyalty_svc.tiers.plans import TIER_PLANS
from moat.kit.db.transaction import Transaction
from moat.kit.documents import DocumentKind, Published, versions
from moat.kit.timers import set_timers

SLICE: Final = 500
LAST_LOOK: Final = timedelta(minutes=1)
Named = Callable[[Any], Iterable[str | None]]
"""The account types that a compiled document names, None among them where it names none."""
NAMING: Final[Sequence[tuple[DocumentKind[Any, Any], Named]]] = (
    (TIER_PLANS, lambda plan: [plan.over]),
    (PROGRAMMES, lambda programme: programme.credits),
    (RULES, lambda rule: rule.terms.credits or ()),
    (REWARDS, lambda reward: [reward.account_type]),
    (MILESTONES, lambda plan: [plan.gift.account_type] if isinstance(plan.gift, PointsGift) else []),
    (TASKS, lambda task: [task.reward.account_type] if isinstance(task.reward, Points) else []),
    (REFERRALS, lambda programme: [reward.account_type for _, reward in programme.rewards()]),
    (PAYMENTS, lambda payment: [payment.account_type]),
    (SURPRISES, lambda surprise: [surprise.account_type]),
    (CLUBS, lambda club: [club.value.of] if club.value is not None else []),
)


async def publish(tx: Transaction, version: Published[AccountType], now: datetime) -> None:
    """Debts that there are by then are written off when a version begins that says so. Raises SpendableStays."""
    await accounts.check_publishable(tx, version, now)
    if version.value.is_spendable and version.value.debt == "write_off":
        begins = max(version.valid_from or now, now)
        await set_timers(tx, WRITING_OFF, [(str(version.ref), begins, {})])


async def write_off_slice(tx: Transaction, ref: str, begun: Mapping[str, Any], *, now: datetime) -> None:
    """Write off the next debts of the type of a version, `<code>@<version>`, if that is what it says by now."""
    code, types = ref.rpartition("@")[0], await accounts.account_types(tx)
    if types.at(code, now).debt != "write_off":
        return
    after = begun.get("after")
    owing = await queries.owing(tx, code, after=after and UUID(after), limit=SLICE)
    await settle(tx, [(customer_id, code) for customer_id in owing], types, now=now)
    if len(owing) == SLICE:
        await set_timers(tx, WRITING_OFF, [(ref, now, {**begun, "after": str(owing[-1])})])
    elif not begun.get("is_last_look"):
        await set_timers(tx, WRITING_OFF, [(ref, now + LAST_LOOK, {"is_last_look": True})])


async def refuse_while_named(tx: Transaction, version: Published[AccountType], now: datetime) -> None:
    """Raises AccountTypeNamed while something that judges, now or later, gives or counts points of this type."""
    named_by = []
    for kind, named in NAMING:
        for known in (await versions(tx, kind)).values():
            judging = [one for one in known if one.is_current or (one.valid_to is not None and one.valid_to > now)]
            named_by += [f"{kind.name}/{one.ref}" for one in judging if version.ref.code in named(one.value)]
    if named_by:
        raise AccountTypeNamed(account_type=version.ref.code, named_by=named_by)
