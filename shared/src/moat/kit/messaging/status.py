"""What one service still has to do, for `/v1/ops/status`: all zeros twice in a row means settled."""

from typing import TYPE_CHECKING, Any, Final

from moat.kit.messaging.log import LogUnavailable

if TYPE_CHECKING:
    from moat.kit.process import Process

LAG_UNKNOWN: Final = -1
_COUNTS: Final = """
SELECT (SELECT count(*) FROM outbox) AS outbox,
       (SELECT count(*) FROM dead_letter WHERE status = 'pending') AS dead_letters,
       (SELECT count(*) FROM timer WHERE due_at <= :now) AS timers_overdue
"""


async def status_of(process: "Process") -> dict[str, Any]:
    """The numbers of one service. While the log is away it is not ready and its lag is LAG_UNKNOWN."""
    service = process.service
    lag, ends, reachable = 0, {}, True
    try:
        places = await process.log.lag(service.name, service.topics()) if service.topics() else {}
        lag = sum(max(end - done, 0) for done, end in places.values())
        ends = {f"{place.topic}/{place.partition}": end for place, (_, end) in sorted(places.items(), key=_by_name)}
    except LogUnavailable:
        lag, reachable = LAG_UNKNOWN, False
    async with process.db.transaction() as tx:
        counts = await tx.one(_COUNTS, now=process.clock.now())
        in_flight = sum([await f.in_flight(tx) for f in service.features if f.in_flight is not None])
    return {
        "name": service.name,
        "ready": reachable,
        "version": service.version,
        "outbox": counts.outbox,
        "lag": lag,
        "timers_overdue": counts.timers_overdue,
        "dead_letters": counts.dead_letters,
        "in_flight": in_flight,
        "end_offsets": ends,
    }


def _by_name(item: tuple[Any, Any]) -> tuple[str, int]:
    return item[0].topic, item[0].partition
