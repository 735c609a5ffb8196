"""What the other services are told of clubs."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from loyalty_svc.clubs.changes import Tale
from loyalty_svc.clubs.queries import Member
from loyalty_svc.clubs.stays import Stay
from moat.contracts.clubs import (
    ClubEndingSoon,
    ClubInvitationDeclined,
    ClubInvitationWithdrawn,
    ClubInvited,
    ClubJoined,
    ClubLapsed,
    ClubLeft,
    ClubRenewalWithdrawn,
    ClubRenewed,
    ClubTermFact,
)
from moat.kit.db.transaction import Transaction
from moat.kit.events import Event

_TERMS: Final[Mapping[str, type[ClubTermFact]]] = {
    "joined": ClubJoined,
    "renewed": ClubRenewed,
    "shortened": ClubRenewalWithdrawn,
}
_INVITATIONS: Final[Mapping[str, Callable[..., ClubInvitationDeclined | ClubInvitationWithdrawn]]] = {
    "declined": ClubInvitationDeclined,
    "withdrawn": ClubInvitationWithdrawn,
}


def tell(tx: Transaction, member: Member, tale: Tale, cause: Event[Any] | None, now: datetime) -> None:
    """One thing that became of a membership; one whose reason fell away did so when its cause happened."""
    stay, time = tale.stay, tale.at or (cause.time if cause else now)
    data: ClubTermFact | ClubLapsed | ClubLeft
    if tale.what in _TERMS:
        term = {"club": member.club, "rule": stay.rule, "way": stay.way, "ends_at": stay.ends_at}
        data = _TERMS[tale.what](**term)
    elif tale.what == "lapsed":
        data = ClubLapsed(club=member.club, joined_at=stay.joined_at)
    else:
        data = ClubLeft(club=member.club, reason=tale.what)
    tx.publish(data, about=member.customer_id, time=time, cause=cause)


def remind(tx: Transaction, member: Member, stay: Stay, cause: Event[Any] | None) -> None:
    """The term ends soon; told as of the day that was meant, or of the renewal if that came after it."""
    if stay.ends_at is not None and stay.lapses_at is not None and stay.remind_at is not None:
        data = ClubEndingSoon(club=member.club, ends_at=stay.ends_at, lapses_at=stay.lapses_at)
        tx.publish(data, about=member.customer_id, time=max(stay.remind_at, stay.renewed_at), cause=cause)


def invited(tx: Transaction, row: Any) -> None:
    """Somebody was invited; a row of `invitations`."""
    data = ClubInvited(club=row.club, invitation_id=row.id, until=row.until)
    tx.publish(data, about=row.customer_id, time=row.made_at)


def decided(tx: Transaction, row: Any, *, about: UUID | None = None, cause: Event[Any] | None = None) -> None:
    """An invitation was declined or withdrawn."""
    data = _INVITATIONS[row.state](club=row.club, invitation_id=row.id)
    tx.publish(data, about=about or row.customer_id, time=row.decided_at, cause=cause)
