"""What operations refuse."""

from moat.kit.problems import Conflict, NotFound


class UnknownService(NotFound):
    """No such service."""

    code, title = "ops.unknown-service", "There is no such service"


class UnknownDeadLetter(NotFound):
    """No dead letter of this id there; said by the service."""

    code, title = "dead-letters.unknown", "There is no such dead letter"


class AlreadyResolved(Conflict):
    """It was replayed or discarded before, in another way; said by the service."""

    code, title = "dead-letters.resolved", "This dead letter is resolved already"
