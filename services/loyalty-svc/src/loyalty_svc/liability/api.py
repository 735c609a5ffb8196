"""The HTTP door of liability."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from loyalty_svc.liability import usecases
from loyalty_svc.liability.schemas import LiabilityOut
from moat.kit.auth import allow
from moat.kit.web import Db, Language, Now

router = APIRouter(tags=["loyalty"])


@router.get("/v1/loyalty/liability", dependencies=[Depends(allow("loyalty:read"))])
async def read_liability(
    db: Db,
    clock: Now,
    language: Language,
    first: Annotated[date | None, Query(alias="from", description="the first day; the month's first if absent")] = None,
    last: Annotated[date | None, Query(alias="to", description="the last day, included; today if absent")] = None,
) -> LiabilityOut:
    """Points outstanding by account type, tier and month of expiry, what they cost, and how they moved in a period."""
    async with db.transaction() as tx:
        report = await usecases.liability(tx, first, last, now=clock.now())
    return LiabilityOut.of(report, language)
