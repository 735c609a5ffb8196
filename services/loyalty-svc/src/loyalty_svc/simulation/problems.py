"""Refusals of simulations, named after the broken rule."""

from moat.kit.problems import Conflict, NotFound


class UnknownSimulation(NotFound):
    """No simulation has this id; old results are removed."""

    code, title = "simulations.unknown", "There is no such simulation"


class TooManyWaiting(Conflict):
    """One runs at a time."""

    code, title = "simulations.too-many", "Too many simulations are waiting; cancel one, or wait"


class NotDone(Conflict):
    """Publishing from a result needs one."""

    code, title = "simulations.not-done", "This simulation has no result to publish from"


class Finished(Conflict):
    """What is over cannot be cancelled."""

    code, title = "simulations.finished", "This simulation is over"


class TooMuch(Conflict):
    """More would have to be remembered than one worker may."""

    code, title = "simulations.too-much", "More happened in these days than can be simulated at once; take fewer"
