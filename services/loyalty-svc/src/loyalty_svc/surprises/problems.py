"""Refusals of surprises, named after the broken rule."""

from moat.kit.problems import Conflict, NotFound


class UnknownDraw(NotFound):
    """No draw of this surprise has this id."""

    code, title = "surprises.unknown-draw", "There is no such draw"


class SurpriseNotPublished(NotFound):
    """No surprise of this code is published now."""

    code, title = "surprises.not-published", "No such surprise is published"


class DrawRunning(Conflict):
    """A draw of this surprise is under way; fact: `draw_id`."""

    code, title = "surprises.draw-running", "A draw of this surprise is under way"


class DrawsByItself(Conflict):
    """It is drawn once, at an instant of its own; fact: `draws_at`."""

    code, title = "surprises.draws-by-itself", "This surprise is drawn at its instant, by itself"


class BudgetSpent(Conflict):
    """The budget has nothing left for another gift."""

    code, title = "surprises.budget-spent", "The budget of this surprise has nothing left"


class NotDrawnYet(Conflict):
    """Who may win is told once all of them are listed and the seed is told."""

    code, title = "surprises.not-drawn-yet", "This has not been drawn yet"
