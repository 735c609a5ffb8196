"""Events between services: outbox, relay, inbox, consumer loop, dead letters, and the two logs behind one protocol."""

from moat.kit.messaging.opening import open_log

__all__ = ("open_log",)
