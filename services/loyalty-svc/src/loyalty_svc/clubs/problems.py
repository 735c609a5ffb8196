"""Refusals of clubs, named after the broken rule; `texts` says it in zh-CN and en."""

from moat.kit.problems import Conflict, NotFound


class UnknownClub(NotFound):
    """No club of this code was ever published."""

    code, title = "clubs.unknown", "There is no such club"


class ClubClosed(Conflict):
    """The club takes nobody in at the moment, or not by invitation."""

    code, title = "clubs.closed", "The club does not take members in this way at the moment"


class AlreadyMember(Conflict):
    """The customer is in the club already."""

    code, title = "clubs.already-member", "The customer is a member of this club already"


class AlreadyInvited(Conflict):
    """There is an invitation that he has not answered yet."""

    code, title = "clubs.already-invited", "The customer has been invited already"


class NotAMember(Conflict):
    """The customer is not in the club, or not any more."""

    code, title = "clubs.not-a-member", "The customer is not a member of this club"


class MemberForEver(Conflict):
    """Nothing to renew: the membership has no end."""

    code, title = "clubs.for-ever", "The membership has no end"


class UnknownInvitation(NotFound):
    """No invitation has this id, or not of this customer."""

    code, title = "clubs.unknown-invitation", "There is no such invitation"


class InvitationOver(Conflict):
    """It was answered, withdrawn, or its time is over; `state` says which."""

    code, title = "clubs.invitation-over", "The invitation is not open any more"
