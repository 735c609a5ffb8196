"""The heart of what is told: what became of a stay since it was told of last. Pure."""

from datetime import datetime
from typing import Literal, NamedTuple

from loyalty_svc.clubs.stays import Stay

Told = Literal["joined", "renewed", "shortened", "lapsed", "left", "removed", "withdrawn"]


class Tale(NamedTuple):
    """One thing to tell of a stay; `at` is when it happened, None: when its reason fell away."""

    what: Told
    stay: Stay
    at: datetime | None


def tales(before: Stay | None, after: Stay | None) -> list[Tale]:
    """What is to be told, in order. before: as it was told of; after: as all facts have it now."""
    if before is not None and before.is_open:
        return _of_an_open_one(before, after)
    if after is None or after == before:
        return []
    if before is not None and after.joined_at == before.joined_at:
        if not after.is_open and not after.lasts_longer_than(before):
            return []
        # It had lapsed, and then it became known that it was renewed in time.
        return [_renewed(after), *_ended(after)] if before.ended_by == "lapsed" else []
    if not after.is_open and before is not None and after.joined_at < before.joined_at:
        return []
    return [Tale("joined", after, after.joined_at), *_ended(after)]


def _of_an_open_one(before: Stay, after: Stay | None) -> list[Tale]:
    if after is None or (after.ended_at is not None and after.ended_at <= before.joined_at):
        return [Tale("withdrawn", before, None)]
    if before.lapses_at is not None and before.lapses_at <= after.joined_at:
        lapsed = Tale("lapsed", before, before.lapses_at)
        return [lapsed, Tale("joined", after, after.joined_at), *_ended(after)]
    if after.lasts_longer_than(before):
        return [_renewed(after), *_ended(after)]
    if after.is_open and before.lasts_longer_than(after):
        return [Tale("shortened", after, None)]
    return _ended(after)


def _renewed(stay: Stay) -> Tale:
    return Tale("renewed", stay, stay.renewed_at)


def _ended(stay: Stay) -> list[Tale]:
    return [] if stay.ended_by is None else [Tale(stay.ended_by, stay, stay.ended_at)]
