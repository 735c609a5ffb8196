"""Requests that are refused before anyone looks at what they ask for."""

from moat.kit.problems import BadRequest, Problem


class AmbiguousPath(BadRequest):
    """A path that two readers could read in two ways."""

    code, title = "request.path", "The path is not in its plain form"


class HeadersTooLarge(Problem):
    """Too many headers, too large ones, or one twice that may come once."""

    status, code, title = 431, "request.headers", "The headers are too large, too many, or contradict each other"


class BodyTooSlow(Problem):
    """The body did not arrive in time."""

    status, code, title = 408, "request.too-slow", "The body did not arrive in time"
