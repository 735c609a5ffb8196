"""Which log an address means."""

from collections.abc import Mapping

from moat.kit.messaging.log import Log


def open_log(url: str, *, topics: Mapping[str, int] | None = None) -> Log:
    """The log at postgresql://… (embedded) or kafka://host:port[,host:port]; nothing is dialled until it is used.

    topics: every topic of the house → how long its records are kept, in milliseconds (-1: for ever); only
    `ensure_topics` needs them.
    """
    scheme, _, address = url.partition("://")
    if scheme in ("postgresql", "postgres"):
        from moat.kit.messaging.pglog.log import PgLog

        return PgLog(url, topics or {})
    if scheme == "kafka":
        from moat.kit.messaging.kafka.log import KafkaLog

        return KafkaLog(address, topics or {})
    raise ValueError(f"an event log is postgresql://… or kafka://…, not {scheme}://…")
