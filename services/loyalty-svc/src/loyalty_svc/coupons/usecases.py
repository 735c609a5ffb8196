"""What pools and codes do inside the transaction they are given."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.coupons import codes as heart
from loyalty_svc.coupons import queries
from loyalty_svc.coupons.announcing import Issued, Refused, Wish, announce, announce_refusal
from loyalty_svc.coupons.coupon import Coupon
from loyalty_svc.coupons.document import COUPONS
from loyalty_svc.coupons.pools import Imported, NewPool
from loyalty_svc.coupons.problems import CodeTaken, CouponOver, NotImported, PoolEmpty, UnknownCode, UnknownPool
from loyalty_svc.coupons.queries import NewCode
from loyalty_svc.coupons.tables import MAKE
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents import published, versions
from moat.kit.ids import uuid7, uuid7s
from moat.kit.problems import FieldError, Invalid, nearest
from moat.kit.timers import set_timers

SLICE_CODES: Final = 20_000
"""Codes made in one transaction, over all pools that are due; a second's work at most."""
TRIES_MAX: Final = 3

Versions = Mapping[tuple[str, int], Coupon]


async def every_version(tx: Transaction) -> Versions:
    """Each version of each coupon that is or was published: codes stay on the version they were made with."""
    found = await versions(tx, COUPONS)
    return {(code, one.ref.version): one.value for code, of_code in found.items() for one in of_code}


async def published_coupon(tx: Transaction, code: str, *, at: datetime, pointer: str = "/coupon") -> Coupon:
    """The version that codes are made with now. Raises Invalid naming the field and the nearest coupons."""
    found = await published(tx, COUPONS, at=at)
    if code not in found:
        raise Invalid(errors=[FieldError(pointer, f"no published coupon has this code{nearest(code, found)}")])
    return found[code].value


async def open_pool(tx: Transaction, new: NewPool, *, at: datetime) -> UUID:
    """Open a pool; generated codes are made afterwards, slice by slice. Raises Invalid, CodeTaken."""
    coupon = await published_coupon(tx, new.coupon, at=at)
    pool_id = uuid7()
    await queries.add_pool(
        tx,
        id_=pool_id,
        at=at,
        wanted=1 if new.kind == "public" else new.wanted,
        coupon=coupon.code,
        version=coupon.version,
        kind=new.kind,
        name=new.name,
        prefix=new.prefix,
        author=new.author,
    )
    if new.kind == "generated":
        await set_timers(tx, MAKE, [(str(pool_id), at, {})])
    await audit.record(tx, at=at, actor=new.author, action=f"coupon_pool.{new.kind}", subject=f"coupon_pool/{pool_id}")
    if new.kind == "public":
        code = heart.normalised(new.code or "")
        if code is None:
            raise Invalid(errors=[FieldError("/code", "is not a code: letters and digits, 40 at most")])
        if not await queries.add_codes(tx, pool_id, [uuid7()], [code], coupon.expires_at(at)):
            raise CodeTaken(code_taken=code)
        await queries.made(tx, pool_id, 1, at=at)
    return pool_id


async def pool(tx: Transaction, pool_id: UUID) -> Any:
    """One pool's row. Raises UnknownPool."""
    rows = await queries.pools_by_id(tx, [pool_id])
    if not rows:
        raise UnknownPool
    return rows[0]


async def make_slices(tx: Transaction, pool_ids: Sequence[UUID], *, at: datetime) -> None:
    """Make the next codes of these pools, and come back for what is missing; a code that exists is drawn again."""
    coupons = await every_version(tx)
    unfinished: list[UUID] = []
    for row in await queries.pools_by_id(tx, pool_ids, lock=True):
        wanted = min(row.wanted - row.made, max(1, SLICE_CODES // len(pool_ids)))
        if wanted <= 0 or row.withdrawn_at is not None:
            continue
        drawn = set(_draw(wanted, row.prefix))
        expires_at = coupons[row.coupon, row.version].expires_at(row.created_at)
        added = await queries.add_codes(tx, row.id, uuid7s(len(drawn)), list(drawn), expires_at)
        await queries.made(tx, row.id, len(added), at=at)
        if row.made + len(added) < row.wanted:
            unfinished.append(row.id)
    await set_timers(tx, MAKE, [(str(pool_id), at, {}) for pool_id in unfinished])


def _draw(wanted: int, prefix: str) -> list[str]:
    return heart.codes_from(secrets.token_bytes(heart.random_bytes_for(wanted)), wanted, prefix=prefix)


async def import_codes(tx: Transaction, pool_id: UUID, typed: Sequence[str], *, at: datetime) -> Imported:
    """Add codes from elsewhere; those that exist in any pool are told of and stay whose they are."""
    rows = await queries.pools_by_id(tx, [pool_id], lock=True)
    if not rows:
        raise UnknownPool
    if rows[0].kind != "imported":
        raise NotImported(kind=rows[0].kind)
    coupon = (await every_version(tx))[rows[0].coupon, rows[0].version]
    found, wrong = heart.distinct(typed)
    added = await queries.add_codes(tx, pool_id, uuid7s(len(found)), found, coupon.expires_at(at))
    await queries.made(tx, pool_id, len(added), at=at)
    return Imported(len(added), [code for code in found if code not in added], wrong)


async def issue(tx: Transaction, wishes: Sequence[Wish], *, at: datetime) -> list[Issued | Refused]:
    """Give each customer a fresh code of his own, in the order of the wishes; refusals are announced, too.

    A key that was granted before answers with the code it got then. The number of statements does not depend on the
    number of wishes.
    """
    current = await published(tx, COUPONS, at=at)
    outcomes: dict[int, Issued | Refused] = {}
    granted: dict[str, int] = {}
    for place, wish in enumerate(wishes):
        coupon = current[wish.coupon].value if wish.coupon in current else None
        refused = _refusal(coupon, at)
        if refused is not None:
            outcomes[place] = refused
            announce_refusal(tx, wish, refused)
        else:
            granted.setdefault(wish.key, place)
    if granted:
        coupons = {key: current[wishes[place].coupon].value for key, place in granted.items()}
        codes = await _grant(tx, {key: wishes[place] for key, place in granted.items()}, coupons, at=at)
        for place, wish in enumerate(wishes):
            if place not in outcomes:
                outcomes[place] = codes[wish.key]
        for key, place in granted.items():
            if codes[key].is_new:
                announce(tx, wishes[place], codes[key])
    return [outcomes[place] for place in range(len(wishes))]


async def not_given(tx: Transaction, coupons: Collection[str], *, at: datetime) -> set[str]:
    """Which of these coupons no code is issued of now; no statement where nobody asks."""
    if not coupons:
        return set()
    current = await published(tx, COUPONS, at=at)
    return {code for code in coupons if _refusal(current[code].value if code in current else None, at) is not None}


def _refusal(coupon: Coupon | None, at: datetime) -> Refused | None:
    if coupon is None:
        return Refused("unknown_coupon")
    expires_at = coupon.expires_at(at)
    return Refused("over") if expires_at is not None and expires_at <= at else None


async def _grant(
    tx: Transaction, wishes: Mapping[str, Wish], coupons: Mapping[str, Coupon], *, at: datetime
) -> dict[str, Issued]:
    """One code for each key. A key that another transaction granted meanwhile keeps that code."""
    pools = await _personal_pools(tx, {(coupon.code, coupon.version) for coupon in coupons.values()}, at=at)
    done: dict[str, Issued] = {}
    for _ in range(TRIES_MAX):
        missing = [key for key in wishes if key not in done]
        drawn = _draw(len(missing), "")
        new = [
            NewCode(
                uuid7(),
                _pool_of(pools, coupons[key]),
                wishes[key].customer_id,
                at,
                coupons[key].expires_at(at),
                code,
                key,
            )
            for key, code in zip(missing, drawn, strict=True)
        ]
        stored = await queries.issue(tx, new)
        known = (
            await queries.issued(tx, [key for key in missing if key not in stored]) if len(stored) < len(new) else {}
        )
        for key in missing:
            if key in stored or key in known:
                id_, code = (stored if key in stored else known)[key]
                done[key] = Issued(id_, code, coupons[key], coupons[key].expires_at(at), key in stored)
        if len(done) == len(wishes):
            return done
    raise RuntimeError(f"{len(wishes) - len(done)} codes were drawn that exist, three times over")


def _pool_of(pools: Mapping[tuple[str, int], UUID], coupon: Coupon) -> UUID:
    return pools[coupon.code, coupon.version]


async def _personal_pools(
    tx: Transaction, wanted: set[tuple[str, int]], *, at: datetime
) -> dict[tuple[str, int], UUID]:
    """The pool of personal codes of each version, opened with its first code."""
    keys = sorted(wanted)
    found = await queries.personal_pools(tx, keys)
    for coupon, version in keys:
        if (coupon, version) not in found:
            await queries.add_pool(
                tx,
                id_=uuid7(),
                at=at,
                wanted=0,
                coupon=coupon,
                version=version,
                kind="personal",
                name="personal",
                prefix="",
                author="moat",
            )
    return found if len(found) == len(keys) else await queries.personal_pools(tx, keys)


async def issue_one(tx: Transaction, wish: Wish, pool_id: UUID | None, *, at: datetime) -> Issued:
    """One code for one customer, who is locked, fresh or from a pool. Raises instead of announcing a refusal."""
    if pool_id is not None:
        return await issue_from_pool(tx, wish, pool_id, at=at)
    if _refusal(await published_coupon(tx, wish.coupon, at=at), at) is not None:
        raise CouponOver
    (issued,) = await issue(tx, [wish], at=at)
    assert isinstance(issued, Issued)
    return issued


async def issue_from_pool(tx: Transaction, wish: Wish, pool_id: UUID, *, at: datetime) -> Issued:
    """Give the customer a code that a pool has ready. Raises UnknownPool, PoolEmpty."""
    row = await pool(tx, pool_id)
    if row.coupon != wish.coupon:
        raise Invalid(errors=[FieldError("/pool_id", f"is a pool of {row.coupon}")])
    coupon = (await every_version(tx))[row.coupon, row.version]
    known = await queries.issued(tx, [wish.key])
    if wish.key in known:
        return Issued(*known[wish.key], coupon, coupon.expires_at(at), False)
    expires_at = coupon.expires_at(at)
    taken = None
    if row.withdrawn_at is None and (expires_at is None or expires_at > at):
        taken = await queries.take(tx, pool_id, wish.customer_id, at=at, expires_at=expires_at, key=wish.key)
    if taken is None:
        raise PoolEmpty
    issued = Issued(taken.id, taken.code, coupon, expires_at, True)
    announce(tx, wish, issued)
    return issued


async def withdraw_pool(tx: Transaction, pool_id: UUID, *, at: datetime, by: str) -> Any:
    """None of its codes may be used any more; what is reserved stands. Raises UnknownPool."""
    await queries.withdraw_pool(tx, pool_id, at=at)
    row = await pool(tx, pool_id)
    await audit.record(tx, at=at, actor=by, action="coupon_pool.withdrawn", subject=f"coupon_pool/{pool_id}")
    return row


async def withdraw(tx: Transaction, code_id: UUID, *, at: datetime, by: str) -> Any:
    """The code may not be used any more; what is reserved stands. Raises UnknownCode."""
    await queries.withdraw_code(tx, code_id, at=at)
    await audit.record(tx, at=at, actor=by, action="coupon_code.withdrawn", subject=f"coupon_code/{code_id}")
    return await code(tx, code_id)


async def take_away(tx: Transaction, code_id: UUID, *, at: datetime) -> bool:
    """Withdraw a code that nobody has used or put aside; False when somebody has."""
    return await queries.withdraw_unused(tx, code_id, at=at)


async def code(tx: Transaction, code_id: UUID) -> Any:
    """One code's row. Raises UnknownCode."""
    row = await queries.code(tx, code_id)
    if row is None:
        raise UnknownCode
    return row
