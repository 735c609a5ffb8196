"""Names and addresses as searchable grams. Pure.

A trigram index cannot serve two characters, and most Chinese names have two or three; so a name is kept as its one- and
two-character pieces (`text[]`, GIN). Addresses are in the same array as whole words, marked so that no name can equal
one.
"""

from collections.abc import Iterable
from typing import Final
from unicodedata import normalize

ADDRESS: Final = "="
"""Marks a whole address among the grams."""
QUERY_CHARACTERS_MAX: Final = 100


def folded(text: str) -> str:
    """The form in which names are compared: NFKC, no case, single blanks."""
    return " ".join(normalize("NFKC", text).casefold().split())


def grams(name: str | None, addresses: Iterable[str]) -> list[str]:
    """Everything by which a customer's file is found, sorted."""
    text = folded(name or "")
    pieces = {text[i : i + size] for size in (1, 2) for i in range(len(text) - size + 1)}
    return sorted(pieces - {" "} | {ADDRESS + address for address in addresses})


def grams_of_query(query: str) -> list[str]:
    """The grams that every name holding `query` has; empty when the query is blank."""
    text = folded(query[:QUERY_CHARACTERS_MAX])
    if len(text) < 2:
        return [text] if text else []
    return sorted({text[i : i + 2] for i in range(len(text) - 1)})


def like(query: str) -> str:
    """A LIKE pattern for names that hold `query`, nothing in it a wildcard."""
    text = folded(query[:QUERY_CHARACTERS_MAX])
    for special in ("\\", "%", "_"):
        text = text.replace(special, "\\" + special)
    return f"%{text}%"
