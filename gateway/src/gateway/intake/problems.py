"""What the intake refuses as a whole; single events are refused by index in the answer."""

from moat.kit.problems import BadRequest, Invalid, Problem, Unavailable


class UnreadableBody(BadRequest):
    """The body is not a JSON document."""

    code, title = "events.unreadable", "The body is not JSON"


class NotCloudEvents(Problem):
    """Another content type."""

    status, code, title = 415, "events.content-type", "Send application/cloudevents+json or -batch+json"


class WrongBatch(Invalid):
    """Not a list of 1 to 500 events (or not one event)."""

    code, title = "events.batch", "A batch is a list of 1 to 500 events"


class NoneAcceptable(Invalid):
    """Every event was refused; `rejected` says why, one by one."""

    code, title = "events.invalid", "None of the events is acceptable"


class LogAway(Unavailable):
    """The log did not take them; some of the batch may be in it already, and sending again is safe."""

    code, title = "log.unavailable", "The event log is away for the moment; send the same events again"
