"""What happens when staff give a member a tier until a date, or take that back. The customer is locked.

What was granted lies on top of what is earned: the higher of both is the member's tier, and the earned one goes on
underneath. One grant stands at a time; another replaces it.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from loyalty_svc.tiers import queries
from loyalty_svc.tiers.problems import GrantEnded, GrantTooShort, UnknownGrant, UnknownTier
from loyalty_svc.tiers.settling import Why, settle_members
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, nearest

GRANTED_MAX: Final = timedelta(days=3653)


async def grant_tier(
    tx: Transaction, customer_id: UUID, tier: str, *, until: datetime, reason: str, by: str, now: datetime
) -> Any:
    """Give a tier until an instant. Raises UnknownTier, GrantTooShort."""
    plan = await queries.plan(tx)
    if plan.place_of(tier) < 0:
        hint = nearest(tier, [one.code for one in plan.tiers])
        raise UnknownTier(errors=[FieldError("/tier", f"the published plan has no tier {tier}{hint}")])
    if not now < until <= now + GRANTED_MAX:
        raise GrantTooShort(errors=[FieldError("/until", "must lie ahead, and at most ten years")])
    id_ = uuid7()
    await queries.lock(tx, [customer_id], plan.over)
    await queries.enrol(tx, plan, customer_id, now)
    await queries.end_grants(tx, [customer_id], at=now, by=by, reason="replaced")
    await queries.grant(tx, id_, customer_id, tier, until=until, reason=reason, by=by, at=now)
    await queries.give_tier(tx, customer_id, tier, at=now, until=until)
    await settle_members(tx, plan, {customer_id: Why(now)})
    detail = {"grant_id": str(id_), "tier": tier, "until": until.isoformat()}
    await audit.record(tx, at=now, actor=by, action="tier.granted", subject=f"customer/{customer_id}", detail=detail)
    return await queries.grant_of(tx, id_, customer_id)


async def end_grant(tx: Transaction, grant_id: UUID, customer_id: UUID, *, reason: str, by: str, now: datetime) -> Any:
    """Take back what was granted; the member stands where he has earned to. Raises UnknownGrant, GrantEnded."""
    plan = await queries.plan(tx)
    await queries.lock(tx, [customer_id], plan.over)
    found = await queries.grant_of(tx, grant_id, customer_id)
    if found is None:
        raise UnknownGrant
    if found.ended_at is not None or found.until <= now:
        raise GrantEnded
    await queries.end_grants(tx, [customer_id], at=now, by=by, reason=reason)
    await queries.give_tier(tx, customer_id, None, at=None, until=None)
    await settle_members(tx, plan, {customer_id: Why(now)})
    detail = {"grant_id": str(grant_id), "tier": found.tier}
    subject = f"customer/{customer_id}"
    await audit.record(tx, at=now, actor=by, action="tier.grant_ended", subject=subject, detail=detail)
    return await queries.grant_of(tx, grant_id, customer_id)
