"""What is looked at before an account type is retired: every kind of document that may name one."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from loyalty_svc.account_types.problems import AccountTypeNamed
from loyalty_svc.accounts.types import AccountType
from loyalty_svc.checkout.payment import PAYMENTS
from loyalty_svc.clubs.club import CLUBS
from loyalty_svc.earning.rules import PROGRAMMES, RULES
from loyalty_svc.milestones.plans import MILESTONES, PointsGift
from loyalty_svc.referrals.programme import REFERRALS
from loyalty_svc.rewards.document import REWARDS
from loyalty_svc.surprises.surprise import SURPRISES
from loyalty_svc.tasks.plans import TASKS, Points
from loyalty_svc.tiers.plans import TIER_PLANS
from moat.kit.db.transaction import Transaction
from moat.kit.documents import DocumentKind, Published, versions

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


async def refuse_while_named(tx: Transaction, version: Published[AccountType], now: datetime) -> None:
    """Raises AccountTypeNamed while something that judges, now or later, gives or counts points of this type."""
    named_by = []
    for kind, named in NAMING:
        for known in (await versions(tx, kind)).values():
            judging = [one for one in known if one.is_current or (one.valid_to is not None and one.valid_to > now)]
            named_by += [f"{kind.name}/{one.ref}" for one in judging if version.ref.code in named(one.value)]
    if named_by:
        raise AccountTypeNamed(account_type=version.ref.code, named_by=named_by)
