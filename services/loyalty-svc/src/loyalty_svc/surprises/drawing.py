"""The heart of a draw: a seed that is committed before, a rank for each who may win, and the first n of them. Pure.

Anyone can check it with what a draw tells afterwards:

1. SHA-256 of the seed's 32 bytes is the `commitment` that was recorded, with the draw's id, before anybody was
   looked up.
2. The ids of those who may win, as text in lower case, sorted, each followed by a line feed, have `eligible_hash` as
   their SHA-256, and are `eligible` many.
3. The rank of each is the place of HMAC-SHA256(seed, "<draw id>:<customer id>") among all of them, the smallest first.
4. The winners are the first `winners` of them, leaving out whoever had a surprise too recently by then, until the
   budget has nothing left for another.

The draw's id is fixed with the commitment, so that nobody can try several of them once the list is known.
"""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

ALGORITHM: Final = "hmac-sha256(seed, draw_id:customer_id), ascending"
SEED_BYTES: Final = 32

State = Literal["committed", "counting", "giving", "finished"]
"""committed: the seed is recorded, nobody looked up; counting: who may win is being listed; giving: it is drawn."""
EndedBy = Literal["winners", "eligible", "budget", "coupon", "retired"]
"""Why a draw ended: all have won; nobody is left; the budget, or the coupon, is; or it was called off before."""
Outcome = Literal["given", "recent"]


def commitment_of(seed: bytes) -> str:
    """What is recorded of a seed before the draw, in hexadecimal digits."""
    return sha256(seed).hexdigest()


def digest_of(seed: bytes, draw_id: UUID, customer_id: UUID) -> bytes:
    """What ranks a customer in a draw: the smallest is the first."""
    return hmac.digest(seed, f"{draw_id}:{customer_id}".encode(), sha256)


def hash_of(customer_ids: Iterable[UUID]) -> str:
    """The SHA-256 of a list of those who may win, in hexadecimal digits."""
    whole = sha256()
    for text in sorted(map(str, customer_ids)):
        whole.update(f"{text}\n".encode())
    return whole.hexdigest()


def ended_by(*, wanted: int, left: int, affordable: int) -> EndedBy | None:
    """Why a draw is over, if it is: so many may still win, are left on the list, and can be paid for."""
    if wanted == 0:
        return "winners"
    if left == 0:
        return "eligible"
    return "budget" if affordable == 0 else None
