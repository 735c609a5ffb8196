"""What clubs do inside the transaction they are given. The customer is locked, or in a consumed batch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from loyalty_svc.accounts.usecases import account_types
from loyalty_svc.clubs import announcing, invitations, queries
from loyalty_svc.clubs.club import Club
from loyalty_svc.clubs.problems import (
    AlreadyInvited,
    AlreadyMember,
    ClubClosed,
    InvitationOver,
    MemberForEver,
    NotAMember,
    UnknownClub,
    UnknownInvitation,
)
from loyalty_svc.clubs.queries import Kept, Member, NewFact
from loyalty_svc.clubs.settling import Known, known, settle
from loyalty_svc.clubs.stays import Fact, Stay
from loyalty_svc.clubs.tables import LOOK
from loyalty_svc.clubs.wording import why
from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents import Published, WrongDocument
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, Invalid, nearest
from moat.kit.timers import set_timers


async def invite(
    tx: Transaction, customer_id: UUID, code: str, *, until: datetime | None, by: str, now: datetime
) -> Row[Any]:
    """Invite a customer, until an instant if one is given.

    Raises UnknownClub, ClubClosed, AlreadyMember, AlreadyInvited; Invalid for an instant that is past.
    """
    if until is not None and until <= now:
        raise Invalid(errors=[FieldError("/until", "must be in the future")])
    club = _club(await known(tx), code, now)
    if not club.by_invitation:
        raise ClubClosed(**why("closed"))
    kept = await _held(tx, Member(customer_id, code))
    if kept.stay is not None and kept.stay.is_member(now):
        raise AlreadyMember(**why("already_member"))
    row = await invitations.add(tx, uuid7(), customer_id, code, until=until, by=by, now=now)
    if row is None:
        raise AlreadyInvited(**why("already_invited"))
    announcing.invited(tx, row)
    return row


async def accept(tx: Transaction, invitation_id: UUID, customer_id: UUID, *, by: str, now: datetime) -> Row[Any]:
    """Join by an invitation; a member by then has a further term. Raises as `decline`, and ClubClosed."""
    documents = await known(tx)
    row = await _invitation(tx, invitation_id, customer_id)
    club = _club(documents, row.club, now)
    row = await _decide(tx, row, "accepted", by=by, now=now)
    fact = Fact(now, "accepted", invitation_id, rule=club.rule)
    member = Member(customer_id, row.club)
    await settle(tx, documents, {member: None}, now=now, fresh=[NewFact(member, fact, by)])
    return row


async def decline(
    tx: Transaction, invitation_id: UUID, customer_id: UUID, state: str, *, by: str, now: datetime
) -> Row[Any]:
    """Refuse an invitation, or (state `withdrawn`) take it back. Raises UnknownInvitation, InvitationOver."""
    row = await _decide(tx, await _invitation(tx, invitation_id, customer_id), state, by=by, now=now)
    announcing.decided(tx, row)
    return row


async def _invitation(tx: Transaction, invitation_id: UUID, customer_id: UUID) -> Row[Any]:
    row = await invitations.one(tx, invitation_id, customer_id)
    if row is None:
        raise UnknownInvitation
    return row


async def _decide(tx: Transaction, row: Row[Any], state: str, *, by: str, now: datetime) -> Row[Any]:
    await _held(tx, Member(row.customer_id, row.club))
    if row.until is not None and row.until <= now:
        raise InvitationOver(state="expired", **why("expired"))
    decided = await invitations.decide(tx, row.id, state, by=by, now=now)
    if decided is None:
        again = await _invitation(tx, row.id, row.customer_id)
        raise InvitationOver(state=again.state, **why(again.state))
    return decided


async def leave(tx: Transaction, customer_id: UUID, code: str, *, by: str, now: datetime) -> Stay:
    """The member does not want to be in it any more. Raises UnknownClub, NotAMember."""
    documents = await _of_known_club(tx, code)
    member = Member(customer_id, code)
    await _must_be_member(tx, member, now)
    return await _note(tx, documents, member, Fact(now, "left", uuid7()), by=by, reason=None, now=now)


async def remove(tx: Transaction, customer_id: UUID, code: str, *, by: str, reason: str, now: datetime) -> Stay:
    """Staff show a member out. Raises UnknownClub, NotAMember."""
    documents = await _of_known_club(tx, code)
    member = Member(customer_id, code)
    await _must_be_member(tx, member, now)
    await audit.record(tx, at=now, actor=by, action="club.member_removed", subject=f"club/{code}/{customer_id}")
    return await _note(tx, documents, member, Fact(now, "removed", uuid7()), by=by, reason=reason, now=now)


async def renew(tx: Transaction, customer_id: UUID, code: str, *, by: str, reason: str, now: datetime) -> Stay:
    """Staff give a member a further term, from the end of his.

    Raises UnknownClub, ClubClosed, NotAMember, MemberForEver.
    """
    documents = await known(tx)
    club = _club(documents, code, now)
    member = Member(customer_id, code)
    stay = await _must_be_member(tx, member, now)
    if stay.ends_at is None:
        raise MemberForEver(**why("for_ever"))
    await audit.record(tx, at=now, actor=by, action="club.member_renewed", subject=f"club/{code}/{customer_id}")
    fact = Fact(now, "renewed", uuid7(), rule=club.rule)
    return await _note(tx, documents, member, fact, by=by, reason=reason, now=now)


async def _note(
    tx: Transaction, documents: Known, member: Member, fact: Fact, *, by: str, reason: str | None, now: datetime
) -> Stay:
    kept = await settle(tx, documents, {member: None}, now=now, fresh=[NewFact(member, fact, by, reason)])
    stay = kept[member].stay
    if stay is None:
        raise NotAMember(**why("not_a_member"))
    return stay


async def _must_be_member(tx: Transaction, member: Member, now: datetime) -> Stay:
    stay = (await _held(tx, member)).stay
    if stay is None or not stay.is_member(now):
        raise NotAMember(**why("not_a_member"))
    return stay


async def _held(tx: Transaction, member: Member) -> Kept:
    return (await queries.hold(tx, [member]))[member]


async def must_be_known(tx: Transaction, code: str) -> None:
    """Raises UnknownClub for a code under which no club was ever published."""
    await _of_known_club(tx, code)


async def _of_known_club(tx: Transaction, code: str) -> Known:
    documents = await known(tx)
    if code not in documents.clubs:
        raise UnknownClub(f"There is no club {code}{nearest(code, documents.clubs)}")
    return documents


def _club(documents: Known, code: str, now: datetime) -> Club:
    """The club as it takes members now. Raises UnknownClub, ClubClosed."""
    if code not in documents.clubs:
        raise UnknownClub(f"There is no club {code}{nearest(code, documents.clubs)}")
    club = documents.club_at(code, now)
    if club is None:
        raise ClubClosed(**why("closed"))
    return club


async def memberships(tx: Transaction, customer_id: UUID) -> Mapping[str, Stay]:
    """The stays that a customer has or had last, by club."""
    found = await queries.of_customers(tx, [customer_id])
    return {member.club: kept.stay for member, kept in found.items() if kept.stay is not None}


def clubs_of(documents: Known, stays: Mapping[str, Stay], now: datetime) -> Sequence[Club]:
    """Every club that takes members now, and those he is or was in, by code; as their latest version has them."""
    codes = {code for code in documents.clubs if documents.club_at(code, now) is not None} | stays.keys()
    latest = {code: documents.club_at(code, now) or documents.clubs[code][-1].value for code in codes}
    return [latest[code] for code in sorted(latest)]


async def check_publishable(tx: Transaction, version: Published[Club], now: datetime) -> None:
    """Let whoever has reached the value join when this version begins, in slices.

    Raises WrongDocument for an account type that does not exist.
    """
    value = version.value.value
    if value is not None:
        await set_timers(tx, LOOK, [(version.value.rule, max(now, version.valid_from or now), {})])
    if value is not None and value.of is not None:
        types = (await account_types(tx)).offered()
        if value.of not in types:
            detail = f"no account type has this code{nearest(value.of, types)}"
            raise WrongDocument(errors=[FieldError("/by_value/value/account_type", detail)])
