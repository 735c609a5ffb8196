"""What goes out over HTTP about draws and what was won."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel

from loyalty_svc.surprises.drawing import ALGORITHM, EndedBy, Outcome, State
from loyalty_svc.surprises.surprise import Language


class DrawOut(BaseModel):
    """One draw. `commitment` is the SHA-256 of `seed`, which is told once it is drawn, both in hexadecimal digits.

    `customers` so many were looked at, `eligible` of them may win; `eligible_hash` is the SHA-256 of their ids, sorted,
    each followed by a line feed. `judged` so many of the first have an outcome, and `given` of them got a gift.
    """

    id: UUID
    surprise: str
    state: State
    version: int | None
    winners: int | None
    algorithm: str = ALGORITHM
    commitment: str
    seed: str | None
    committed_at: datetime
    draws_at: datetime | None
    started_at: datetime | None
    started_by: str | None
    drawn_at: datetime | None
    finished_at: datetime | None
    ended_by: EndedBy | None
    customers: int
    eligible: int
    eligible_hash: str | None
    judged: int
    given: int

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of `surprise_draw`; the seed of one that is not drawn stays here."""
        told = {name: getattr(row, name) for name in cls.model_fields if hasattr(row, name) and name != "seed"}
        return cls(surprise=row.code, seed=row.seed.hex() if row.drawn_at is not None else None, **told)


class EntryOut(BaseModel):
    """Someone who may win, as he was called when he was listed; `outcome` is null where the draw ended before him.

    `digest` is HMAC-SHA256(seed, "<draw id>:<customer id>") in hexadecimal digits; the smallest has rank 1.
    """

    rank: int
    customer_id: UUID
    digest: str
    outcome: Outcome | None

    @classmethod
    def of(cls, rank: int, row: Any) -> Self:
        """From a row of `surprise_entry`."""
        return cls(rank=rank, customer_id=row.entry_id, digest=row.digest.hex(), outcome=row.outcome)


class SurpriseOut(BaseModel):
    """What a customer has won, in the reader's language."""

    id: UUID
    surprise: str
    name: str
    at: datetime
    account_type: str | None
    points: int | None
    coupon: str | None

    @classmethod
    def of(cls, row: Any, names: Mapping[str, Mapping[Language, str]], language: Language) -> Self:
        """From a row of `surprise_gift`; names by rule (`<code>@<version>`)."""
        told = {name: getattr(row, name) for name in cls.model_fields if name != "name"}
        return cls(name=names.get(row.rule, {}).get(language, row.surprise), **told)
