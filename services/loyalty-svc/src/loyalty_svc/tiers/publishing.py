"""What a new tier plan is checked against before it is published, and how everybody is judged by it after.

Judging goes in slices, each a transaction: the accounts of so many members are locked and their whole histories judged.
Who is reached by a fact meanwhile is judged then; who was saved by the version before at the very moment of publishing
is found by a last look, a minute after the end.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_svc.accounts.types import ACCOUNT_TYPES
from loyalty_svc.tiers import queries
from loyalty_svc.tiers.evaluation import TierPlan
from loyalty_svc.tiers.plans import CODE
from loyalty_svc.tiers.problems import PlanNeeded
from loyalty_svc.tiers.settled import judge_history
from loyalty_svc.tiers.settling import Why, histories, settle_members
from loyalty_svc.tiers.tables import JUDGE_ALL
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Doubt, Published, WrongDocument, published
from moat.kit.problems import FieldError, nearest
from moat.kit.timers import set_timers

SLICE: Final = 500
PREVIEWED_MAX: Final = 2_000
"""So many members are looked at by a preview."""
LAST_LOOK: Final = timedelta(minutes=1)


async def preview_plan(tx: Transaction, plan: TierPlan, now: datetime) -> dict[str, Any]:
    """Where members would stand under a draft, for so many of them; what was granted by hand left aside."""
    stands = await queries.some(tx, PREVIEWED_MAX)
    found = await histories(tx, plan, list(stands))
    would = {id_: plan.tiers[judge_history(plan, found.get(id_, []), now).place].code for id_ in stands}
    moves = Counter((tier, would[id_]) for id_, tier in stands.items() if would[id_] != tier)
    return {
        "members_looked_at": len(stands),
        "tiers": {tier.code: sum(1 for code in would.values() if code == tier.code) for tier in plan.tiers},
        "moves": [{"from": one, "to": other, "members": many} for (one, other), many in sorted(moves.items())],
    }


async def doubts_about_plan(tx: Transaction, plan: TierPlan) -> Sequence[Doubt]:
    """Whether a tier goes that members stand in."""
    _, members = await queries.members_by_tier(tx)
    gone = sorted(code for code, many in members.items() if many and plan.place_of(code) < 0)
    if not gone:
        return []
    texts = {
        "zh-CN": f"新方案中没有以下等级，而其中仍有会员：{'、'.join(gone)}。发布后他们将按新方案重新评定。",
        "en": f"Members stand in tiers that this plan does not have: {', '.join(gone)}. They are judged anew by it.",
    }
    return [Doubt("tiers.tier-goes", texts)]


async def check_publishable(tx: Transaction, version: Published[TierPlan], now: datetime) -> None:
    """Raises WrongDocument for an account type that is not there or can be spent, or another instant than now.

    Everybody is judged anew from then on.
    """
    plan, errors = version.value, []
    known = {code: one.value for code, one in (await published(tx, ACCOUNT_TYPES)).items()}
    if plan.over not in known:
        errors.append(FieldError("/over", f"there is no account type {plan.over}{nearest(plan.over, known)}"))
    elif known[plan.over].is_spendable:
        errors.append(FieldError("/over", f"{plan.over} can be spent, and who spends would lose his tier"))
    if version.valid_from is None or abs(version.valid_from - now) > timedelta(seconds=5):
        errors.append(FieldError("/valid_from", "a tier plan judges from when it is published; leave this out"))
    if errors:
        raise WrongDocument(errors[0].detail, errors=errors)
    await queries.judging_begins(tx, plan.version, now)
    await set_timers(tx, JUDGE_ALL, [(CODE, now, {"version": plan.version})])


async def refuse_to_retire(tx: Transaction, version: Published[TierPlan], now: datetime) -> None:
    """There always is a plan. Raises PlanNeeded."""
    raise PlanNeeded


async def judge_slice(tx: Transaction, begun: Mapping[str, Any], *, now: datetime) -> None:
    """Judge the next members by the plan that is published now; merges are held off."""
    plan = await queries.plan(tx)
    after = begun.get("after") if begun.get("version") == plan.version else None
    members = await queries.not_judged_by(tx, plan.version, after=after and UUID(after), limit=SLICE)
    await queries.lock(tx, members, plan.over)
    moved = await settle_members(tx, plan, {id_: Why(now) for id_ in members}) if members else 0
    is_over = len(members) < SLICE
    await queries.judged(tx, plan.version, judged=len(members), moved=moved, finished_at=now if is_over else None)
    if not is_over:
        await set_timers(tx, JUDGE_ALL, [(CODE, now, {"version": plan.version, "after": str(members[-1])})])
    elif not begun.get("is_last_look"):
        again = {"version": plan.version, "is_last_look": True}
        await set_timers(tx, JUDGE_ALL, [(CODE, now + LAST_LOOK, again)])
