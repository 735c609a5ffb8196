"""The HTTP door of clubs: the clubs as documents, who is in them, and what a member may do."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from loyalty_svc.clubs import invitations, queries, usecases
from loyalty_svc.clubs.club import CLUBS
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
from loyalty_svc.clubs.queries import Member
from loyalty_svc.clubs.schemas import (
    BenefitsOut,
    FactOut,
    InvitationOut,
    InviteIn,
    MemberOut,
    MembershipOut,
    NothingIn,
    ReasonIn,
)
from loyalty_svc.clubs.settling import known
from loyalty_svc.tiers import usecases as tiers
from moat.customers.access import CustomerAccess, UnknownCustomer, customer_access
from moat.customers.follow import lock_customer
from moat.kit.auth import allow
from moat.kit.documents import document_routes
from moat.kit.web import Db, Language, Now, Once, Page, PageQuery, problems

router = APIRouter(tags=["clubs"])
router.include_router(
    document_routes(
        CLUBS,
        path="/v1/loyalty/clubs",
        read="loyalty:read",
        write="loyalty:write",
        on_publish=usecases.check_publishable,
    )
)
Reader = Annotated[CustomerAccess, Depends(customer_access("loyalty:read", customers=True))]
Writer = Annotated[CustomerAccess, Depends(customer_access("loyalty:write", customers=True))]
Staff = Annotated[CustomerAccess, Depends(customer_access("loyalty:write"))]
Code = Annotated[str, Path(min_length=1, max_length=64)]
_CLUBS = "/v1/customers/{customer_id}/loyalty/clubs"
_ONE = _CLUBS + "/{club}"
_INVITATIONS = "/v1/customers/{customer_id}/loyalty/club-invitations"
_INVITATION = _INVITATIONS + "/{invitation_id}"
_NOT_IN = problems(UnknownCustomer, UnknownClub, NotAMember)
_NOT_OPEN = problems(UnknownCustomer, UnknownInvitation, InvitationOver)


@router.get("/v1/loyalty/clubs/{club}/members", dependencies=[Depends(allow("loyalty:read"))])
async def list_members(
    club: Code,
    db: Db,
    clock: Now,
    page: PageQuery,
    only_members: Annotated[bool, Query(description="false: those who were in it, too")] = True,
) -> Page[MemberOut]:
    """Who is in a club, by customer; nobody for a club that there never was."""
    after, now = page.after_as(UUID), clock.now()
    async with db.transaction() as tx:
        found = await queries.members_of(
            tx, club, after=after[0] if after else None, limit=page.limit + 1, only_members=only_members, now=now
        )
    return page.page(
        found, key=lambda one: (one[0].customer_id,), of=lambda one: MemberOut.of(one[0].customer_id, one[1], now)
    )


@router.get(_CLUBS, responses=problems(UnknownCustomer))
async def list_clubs(access: Reader, db: Db, clock: Now, page: PageQuery, language: Language) -> Page[MembershipOut]:
    """The clubs there are and those he was in, by code, and how the customer stands to each."""
    after, now = page.after_as(str), clock.now()
    async with db.transaction() as tx:
        documents = await known(tx)
    async with db.transaction(customer=access.own) as tx:
        stays = await usecases.memberships(tx, access.id)
        invited = await invitations.open_of(tx, access.id, now=now)
    clubs = [one for one in usecases.clubs_of(documents, stays, now) if after is None or one.code > after[0]]
    return page.page(
        clubs[: page.limit + 1],
        key=lambda club: (club.code,),
        of=lambda club: MembershipOut.of(club, stays.get(club.code), invited, now, language),
    )


@router.get(_ONE + "/facts", responses=problems(UnknownCustomer))
async def list_facts(club: Code, access: Reader, db: Db, page: PageQuery) -> Page[FactOut]:
    """Why a membership is what it is, the latest first. One by value rests on postings and orders, and has none."""
    after, is_member = page.after_as(datetime, UUID), access.own is not None
    async with db.transaction(customer=access.own) as tx:
        rows = await queries.facts_of(
            tx, Member(access.id, club), after=(after[0], after[1]) if after else None, limit=page.limit + 1
        )
    return page.page(rows, key=lambda row: (row.at, row.id), of=lambda row: FactOut.of(row, is_member=is_member))


@router.get("/v1/customers/{customer_id}/loyalty/benefits", responses=problems(UnknownCustomer))
async def read_benefits(access: Reader, db: Db, clock: Now, language: Language) -> BenefitsOut:
    """What a customer has now, for the services that grant it: the benefits of his tier and of his clubs."""
    now = clock.now()
    async with db.transaction() as tx:
        documents = await known(tx)
        membership = await tiers.membership(tx, access.id)
        stays = await usecases.memberships(tx, access.id)
    plan = membership.plan
    tier = plan.tier_named(membership.tier_at(now)) if membership.standing else None
    running = {code: stay for code, stay in stays.items() if stay.is_member(now)}
    clubs = [club for club in usecases.clubs_of(documents, running, now) if club.code in running]
    return BenefitsOut.of(access.id, tier or plan.base, clubs, running, language)


@router.post(_ONE + "/leave", responses=_NOT_IN)
async def leave_club(club: Code, body: NothingIn, access: Writer, once: Once, clock: Now) -> MemberOut:
    """Leave a club, by the member's own wish: its benefits end now."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        stay = await usecases.leave(tx, customer_id, club, by=access.caller.principal, now=now)
        return await once.answer(tx, MemberOut.of(customer_id, stay, now))


@router.post(_ONE + "/remove", responses=_NOT_IN)
async def remove_from_club(club: Code, body: ReasonIn, access: Staff, once: Once, clock: Now) -> MemberOut:
    """Show a member out, for a reason."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        stay = await usecases.remove(tx, customer_id, club, by=access.caller.principal, reason=body.reason, now=now)
        return await once.answer(tx, MemberOut.of(customer_id, stay, now))


@router.post(_ONE + "/renew", responses=_NOT_IN | problems(NotAMember, ClubClosed, MemberForEver))
async def renew_membership(club: Code, body: ReasonIn, access: Staff, once: Once, clock: Now) -> MemberOut:
    """Give a member a further term, for a reason; it begins when his ends."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        stay = await usecases.renew(tx, customer_id, club, by=access.caller.principal, reason=body.reason, now=now)
        return await once.answer(tx, MemberOut.of(customer_id, stay, now))


@router.post(
    _INVITATIONS,
    status_code=201,
    responses=problems(UnknownCustomer, UnknownClub, ClubClosed, AlreadyMember, AlreadyInvited),
)
async def invite_customer(body: InviteIn, access: Staff, once: Once, clock: Now) -> InvitationOut:
    """Invite a customer to a club."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.invite(tx, customer_id, body.club, until=body.until, by=access.caller.principal, now=now)
        return await once.answer(tx, InvitationOut.of(row, now, is_member=False), status=201)


@router.get(_INVITATIONS, responses=problems(UnknownCustomer))
async def list_invitations(access: Reader, db: Db, clock: Now, page: PageQuery) -> Page[InvitationOut]:
    """A customer's invitations, newest first, whatever became of them."""
    after, now, is_member = page.after_as(UUID), clock.now(), access.own is not None
    async with db.transaction(customer=access.own) as tx:
        rows = await invitations.of_customer(tx, access.id, after=after[0] if after else None, limit=page.limit + 1)
    return page.page(rows, key=lambda row: (row.id,), of=lambda row: InvitationOut.of(row, now, is_member=is_member))


@router.post(_INVITATION + "/accept", responses=_NOT_OPEN | problems(InvitationOver, ClubClosed))
async def accept_invitation(
    invitation_id: UUID, body: NothingIn, access: Writer, once: Once, clock: Now
) -> InvitationOut:
    """Join the club."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.accept(tx, invitation_id, customer_id, by=access.caller.principal, now=now)
        return await once.answer(tx, InvitationOut.of(row, now, is_member=access.own is not None))


@router.post(_INVITATION + "/decline", responses=_NOT_OPEN)
async def decline_invitation(
    invitation_id: UUID, body: NothingIn, access: Writer, once: Once, clock: Now
) -> InvitationOut:
    """Say no, thank you."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.decline(tx, invitation_id, customer_id, "declined", by=access.caller.principal, now=now)
        return await once.answer(tx, InvitationOut.of(row, now, is_member=access.own is not None))


@router.post(_INVITATION + "/withdraw", responses=_NOT_OPEN)
async def withdraw_invitation(
    invitation_id: UUID, body: NothingIn, access: Staff, once: Once, clock: Now
) -> InvitationOut:
    """Take an invitation back."""
    now = clock.now()
    async with once.transaction() as tx:
        customer_id = await lock_customer(tx, access.id)
        row = await usecases.decline(tx, invitation_id, customer_id, "withdrawn", by=access.caller.principal, now=now)
        return await once.answer(tx, InvitationOut.of(row, now, is_member=False))
