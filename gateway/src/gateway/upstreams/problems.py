"""What a caller hears when a service behind the gateway is away."""

from moat.kit.problems import Problem, Unavailable


class UpstreamAway(Unavailable):
    """The service that answers this route cannot be reached now."""

    code, title = "upstream.away", "The service behind this route is away for the moment"


class UpstreamSilent(Problem):
    """The service did not answer within the deadline; a write may have happened."""

    status, code, title = 504, "upstream.silent", "The service behind this route did not answer in time"
