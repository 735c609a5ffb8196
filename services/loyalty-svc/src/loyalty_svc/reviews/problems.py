"""What reviews refuse."""

from moat.kit.problems import Conflict, NotFound


class UnknownAward(NotFound):
    """No award worth a note has this id."""

    code, title = "awards.unknown", "There is no such award"


class NotHeld(Conflict):
    """It was decided already, or never held."""

    code, title = "awards.not-held", "This award is not held for review"
