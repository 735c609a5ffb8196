"""The HTTP door of liability."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from loyalty_svc.accounts.types import ZONE
from loyalty_svc.liability import usecases
from loyalty_svc.liability.outlook import Period
from loyalty_svc.liability.schemas import LiabilityOut
from moat.kit.auth import allow
from moat.kit.problems import FieldError, Invalid
from moat.kit.web import Db, Language, Now

YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2999
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
    now = clock.now()
    last = last or now.astimezone(ZONE).date()
    first = first or last.replace(day=1)
    if first > last:
        raise Invalid(errors=[FieldError("#/query/from", "is after `to`")])
    for name, day in (("to", last), ("from", first)):
        if not YEAR_MIN <= day.year <= YEAR_MAX:
            raise Invalid(errors=[FieldError(f"#/query/{name}", f"is not in the years {YEAR_MIN} to {YEAR_MAX}")])
    async with db.transaction() as tx:
        report = await usecases.liability(tx, Period(first, last), now=now)
    return LiabilityOut.of(report, ZONE.key, language)
