"""What liability does inside the transaction it is given: read one snapshot, and let the heart judge it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from loyalty_svc.accounts.types import AccountType
from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.discounts import queries as discounts
from loyalty_svc.discounts.share import Cell as DiscountCell
from loyalty_svc.earning import usecases as earning
from loyalty_svc.liability import outlook, queries
from loyalty_svc.liability.outlook import LOOKS_BACK, Breakage, Cell, Moved, Period, Sums
from loyalty_svc.liability.queries import Held
from loyalty_svc.tiers import queries as tiers
from moat.kit.db.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Owed:
    """One account type: what is outstanding in each cell, how it moved, and what left before."""

    account_type: AccountType
    held: Held
    cells: Sequence[tuple[Cell, Sums]]
    breakage: Breakage
    moved: Moved


@dataclass(frozen=True, slots=True)
class Liability:
    """The whole report, of one state of the ledger; discounts: orders of the period by tier and month.

    zone: where the programme counts its days, as of that instant.
    """

    as_of: datetime
    zone: ZoneInfo
    period: Period
    types: Sequence[Owed]
    discounts: Sequence[DiscountCell]


async def liability(tx: Transaction, first: date | None, last: date | None, *, now: datetime) -> Liability:
    """What is owed now, and how that moved from one day until another: this month until today unless they are said.

    Nothing was done in the transaction before. Raises Invalid for days that make no period.
    """
    await queries.look_at_once(tx)
    zone = await earning.zone_at(tx, now)
    period = outlook.period_of(first, last, today=now.astimezone(zone).date())
    types = await account_types(tx)
    base = (await tiers.plan(tx)).base.code
    cells = await queries.outstanding(tx, base=base, zone=zone.key)
    held = await queries.held(tx)
    begins, ends = period.instants(zone)
    moved = await queries.moved(tx, begins=begins, ends=ends, since=now - LOOKS_BACK, now=now)
    by_tier = await discounts.by_tier(tx, begins=begins, ends=ends, base=base, zone=zone.key)
    owed = [_owed(types.at(code, now), cells, held, moved) for code in sorted(types.versions)]
    return Liability(now, zone, period, owed, by_tier)


def _owed(
    account_type: AccountType,
    cells: Sequence[Cell],
    held: Mapping[str, Held],
    moved: Mapping[str, tuple[Moved, Breakage]],
) -> Owed:
    code, cost = account_type.code, account_type.unit_cost
    own_held = held.get(code, Held())
    movement, breakage = moved.get(code, (Moved(), Breakage(0, 0)))
    own = [(cell, outlook.worth(cell, cost, breakage)) for cell in cells if cell.account_type == code]
    in_lots = sum(cell.points for cell, _ in own) - own_held.owed if account_type.is_spendable else None
    return Owed(account_type, own_held, own, breakage, movement._replace(accounts=own_held.points, lots=in_lots))
