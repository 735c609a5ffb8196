"""What identity refuses."""

from moat.kit.problems import Conflict, Forbidden, NotFound, Unauthenticated


class WrongCredentials(Unauthenticated):
    """The same for an unknown e-mail, a wrong password and a deactivated person."""

    code, title = "auth.wrong-credentials", "E-mail or password is wrong"


class UnknownStaff(NotFound):
    """No such member of staff."""

    code, title = "identity.unknown-staff", "There is no such member of staff"


class EmailTaken(Conflict):
    """The e-mail address belongs to somebody."""

    code, title = "identity.email-taken", "Somebody signs in with this e-mail already"


class LastAdmin(Conflict):
    """Nobody could let anybody in any more."""

    code, title = "identity.last-admin", "The last active admin stays one"


class UnknownApiKey(NotFound):
    """No such API key."""

    code, title = "identity.unknown-api-key", "There is no such API key"


class TwoActiveKeys(Conflict):
    """A name has two active keys, the old and the new one."""

    code, title = "identity.two-active-keys", "This name has two active keys, revoke one first"


class BeyondOwnRights(Forbidden):
    """Nobody gives away more than he has."""

    code, title = "identity.beyond-own-rights", "Only rights that the caller has himself can be given"
