"""What goes out over HTTP about the liability."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field

from loyalty_svc.accounts.types import Cost
from loyalty_svc.discounts.share import Cell as DiscountCell
from loyalty_svc.liability.outlook import METHOD, METHOD_TEXTS, Cell, Moved, Period, Sums, summed
from loyalty_svc.liability.usecases import Liability, Owed


class SumsOut(BaseModel):
    """Points outstanding, pending ones among them; cost is in the unit cost's currency, null where there is none."""

    points: int
    pending: int
    expected_breakage: int
    cost_minor: int | None
    expected_cost_minor: int | None


class TierSumsOut(SumsOut):
    """Of the members in one tier now."""

    tier: str


class MonthSumsOut(SumsOut):
    """Of points that can last be spent in this month (YYYY-MM); null: they never expire."""

    month: str | None


class CellOut(TierSumsOut, MonthSumsOut):
    """Of one tier and one month."""


class BreakageOut(BaseModel):
    """How breakage is expected: the share in 1/10,000 is null without a history, and then nothing is expected."""

    method: str
    text: str
    share_basis_points: int | None
    expired_points: int
    spent_points: int


class MovementOut(BaseModel):
    """What accounts gained (losses are negative) on whole days, by when it happened: late facts change the past.

    `opening` and all that moved come to `closing`. `ties` says that they do, and that the entries of the ledger, the
    balances and the lots are the same to the point.
    """

    from_: date = Field(alias="from")
    to: date
    opening: int
    earned: int
    reversed: int
    spent: int
    expired: int
    adjusted: int
    written_off: int
    closing: int
    ledger_points: int
    account_points: int
    lot_points: int | None
    ties: bool

    model_config = ConfigDict(populate_by_name=True)

    @classmethod
    def of(cls, moved: Moved, period: Period) -> "MovementOut":
        """From the heart's."""
        facts = moved._asdict()
        ends = {"ledger_points": facts.pop("ledger"), "account_points": facts.pop("accounts")}
        return cls(from_=period.first, to=period.last, lot_points=facts.pop("lots"), ties=moved.ties, **ends, **facts)


class OwedOut(BaseModel):
    """One account type. `debt` is what members owe, because points that were taken back were spent already.

    Debts do not lessen what is outstanding. What cannot be spent has no lots: it moves, and costs nothing.
    """

    account_type: str
    name: str
    unit: str
    spendable: bool
    unit_cost: Cost | None
    outstanding: SumsOut
    reserved: int
    debt: int
    breakage: BreakageOut
    by_tier: list[TierSumsOut]
    by_month: list[MonthSumsOut]
    cells: list[CellOut]
    movement: MovementOut

    @classmethod
    def of(cls, owed: Owed, period: Period, language: str) -> "OwedOut":
        """In the reader's language."""
        kind, breakage = owed.account_type, owed.breakage
        has_cost = kind.unit_cost is not None
        tiers = summed(owed.cells, lambda cell: cell.tier)
        months = summed(owed.cells, lambda cell: _month(cell))
        return cls(
            account_type=kind.code,
            name=kind.names[language],
            unit=kind.units[language],
            spendable=kind.is_spendable,
            unit_cost=kind.unit_cost,
            outstanding=SumsOut(**_told(sum((sums for _, sums in owed.cells), Sums()), has_cost)),
            reserved=owed.held.reserved,
            debt=owed.held.owed,
            breakage=BreakageOut(
                method=METHOD,
                text=METHOD_TEXTS[language],
                share_basis_points=breakage.basis_points,
                expired_points=breakage.expired,
                spent_points=breakage.spent,
            ),
            by_tier=[TierSumsOut(tier=tier, **_told(sums, has_cost)) for tier, sums in sorted(tiers.items())],
            by_month=[
                MonthSumsOut(month=month, **_told(months[month], has_cost))
                for month in sorted(months, key=lambda month: (month is None, month or ""))
            ],
            cells=[CellOut(tier=cell.tier, month=_month(cell), **_told(sums, has_cost)) for cell, sums in owed.cells],
            movement=MovementOut.of(owed.moved, period),
        )


class DiscountsOut(BaseModel):
    """How much the members in one tier now depended on discounts in one month (YYYY-MM) of the period.

    Orders are those paid in it that earned something and were not given back in full.
    """

    tier: str
    month: str
    orders: int
    with_coupon: int
    share_percent: int = Field(description="rounded down")

    @classmethod
    def of(cls, cell: DiscountCell) -> "DiscountsOut":
        """Of the heart's cell."""
        return cls(
            tier=cell.tier, month=f"{cell.month:%Y-%m}", share_percent=cell.share.percent, **cell.share._asdict()
        )


class LiabilityOut(BaseModel):
    """What the programme owes at one instant, and how that moved. Days and months are those of `zone`.

    discounts: the trend of orders that were bought with a coupon, by tier and month of the period.
    """

    as_of: datetime
    zone: str
    account_types: list[OwedOut]
    discounts: list[DiscountsOut]

    @classmethod
    def of(cls, report: Liability, language: str) -> "LiabilityOut":
        """In the reader's language."""
        types = [OwedOut.of(owed, report.period, language) for owed in report.types]
        discounts = [DiscountsOut.of(cell) for cell in report.discounts]
        return cls(as_of=report.as_of, zone=report.zone.key, account_types=types, discounts=discounts)


def _month(cell: Cell) -> str | None:
    return f"{cell.month:%Y-%m}" if cell.month else None


def _told(sums: Sums, has_cost: bool) -> dict[str, int | None]:
    facts: dict[str, int | None] = dict(sums._asdict())
    return facts if has_cost else facts | {"cost_minor": None, "expected_cost_minor": None}
