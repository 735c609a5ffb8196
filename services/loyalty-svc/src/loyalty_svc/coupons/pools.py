"""The values that pools are opened and filled with."""

from typing import Literal, NamedTuple


class NewPool(NamedTuple):
    """A pool as it is asked for: `wanted` codes to generate, or the one public `code`."""

    coupon: str
    kind: Literal["generated", "imported", "public"]
    name: str
    author: str
    wanted: int = 0
    code: str | None = None
    prefix: str = ""


class Imported(NamedTuple):
    """What an import came to: how many codes were new, which were there already, and the places of no codes."""

    added: int
    known: list[str]
    wrong: list[int]
