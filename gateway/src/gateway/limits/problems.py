"""Refusals of protection, not of business."""

from moat.kit.problems import Problem, Unavailable


class TooManyRequests(Problem):
    """The caller's limit is used up for now."""

    status, code, title = 429, "limits.too-many-requests", "Too many requests, slow down"


class Overloaded(Unavailable):
    """This process has as much work as it takes on."""

    code, title = "limits.overloaded", "Too busy at the moment, try again soon"
