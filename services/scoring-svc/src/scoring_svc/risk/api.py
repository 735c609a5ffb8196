"""HTTP door of risk. Every answer is computed for the present instant; none shows a score that time has overtaken."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends

from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.kit.auth import allow
from moat.kit.web import Db, Language, Now, Page, PageQuery, problems
from scoring_svc.risk import queries
from scoring_svc.risk.bands import Band
from scoring_svc.risk.schemas import AmountOut, BandsOut, ScoresOut, SummaryOut
from scoring_svc.silence.rhythm import whole_milliseconds

router: Final = APIRouter(tags=["scores"])
Reader = Depends(allow("scores:read"))


@router.get("/v1/customers/{customer_id}/scores", responses=problems(UnknownCustomer))
async def read_scores(
    access: Annotated[CustomerAccess, Depends(customer_access("scores:read"))], db: Db, clock: Now, language: Language
) -> ScoresOut:
    """A customer's scores, with the reasons in words."""
    at = whole_milliseconds(clock.now())
    async with db.transaction() as tx:
        found = await queries.one(tx, access.id)
    return ScoresOut.of(access.id, found, at=at, language=language)


@router.get("/v1/scores/summary", dependencies=[Reader])
async def read_summary(db: Db, clock: Now) -> SummaryOut:
    """How many customers are in each band now, and what is at stake."""
    at = whole_milliseconds(clock.now())
    async with db.transaction() as tx:
        bands = await queries.bands(tx, at)
        value = await queries.at_risk_value(tx, at)
    return SummaryOut(
        customers=bands["customers"],
        bands=BandsOut(low=bands["low"], medium=bands["medium"], high=bands["high"]),
        at_risk_value=[AmountOut(currency=row.currency, amount_minor=row.amount_minor) for row in value],
    )


@router.get("/v1/risks", dependencies=[Reader])
async def list_risks(db: Db, clock: Now, page: PageQuery, language: Language, band: Band = "high") -> Page[ScoresOut]:
    """Customers in a band now, the most value at stake first (amounts of several currencies are not converted)."""
    at = whole_milliseconds(clock.now())
    after = page.after_as(int, UUID)
    async with db.transaction() as tx:
        rows = await queries.in_band(tx, band, at, after=after, limit=page.limit + 1)
    return page.page(
        rows,
        key=lambda row: (row[1].value_minor, row[0]),
        of=lambda row: ScoresOut.of(row[0], row[1], at=at, language=language),
    )
