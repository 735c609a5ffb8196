"""What reviews refuse."""

from moat.kit.problems import Conflict, NotFound


class UnknownAward(NotFound):
    """No award worth a note has this id."""

    code, title = "awards.unknown", "There is no such award"


class DecidedWithBase(Conflict):
    """It is on top of a held award and decided with that one; fact: `base`, the code of that one's rule."""

    code, title = "awards.decided-with-base", "This award is decided with the one that it comes on top of"


class NotHeld(Conflict):
    """It was decided already, or never held."""

    code, title = "awards.not-held", "This award is not held for review"
