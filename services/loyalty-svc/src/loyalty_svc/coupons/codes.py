"""The heart of codes: letters that nobody mistakes for others, and one form for whatever people type.

A code is a secret: twelve letters of 27 are 57 bits, so among a million codes one guess in 150,000 million hits one.
The random bytes come from the caller, who draws them from the kernel.
"""

import unicodedata
from collections.abc import Iterable
from typing import Final

ALPHABET: Final = "23456789ACDEFGHJKMNPQRTVWXY"
"""Without 0 and O, 1, I and L, B, S, Z (they look like 8, 5, 2) and U (it sounds like V)."""
LETTERS: Final = 12
CODE_CHARACTERS_MAX: Final = 40
TYPED_CHARACTERS_MAX: Final = 100
_FAIR: Final = 256 - 256 % len(ALPHABET)
_TO_LETTERS: Final = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
# A byte beyond the last whole run of the alphabet would make its first letters likelier.
_UNFAIR: Final = bytes(range(_FAIR, 256))


def random_bytes_for(codes: int) -> int:
    """How many random bytes so many codes need: one in twenty is thrown away, and few codes may be unlucky ones."""
    return 16 * codes + 64


def codes_from(random: bytes, wanted: int, *, prefix: str = "") -> list[str]:
    """At most `wanted` codes out of random bytes, every letter equally likely; `prefix` stands before each."""
    letters = random.translate(_TO_LETTERS, _UNFAIR).decode()
    ends = range(LETTERS, min(len(letters), wanted * LETTERS) + 1, LETTERS)
    return [prefix + letters[end - LETTERS : end] for end in ends]


def normalised(typed: str) -> str | None:
    """The one form of a code as people type it: any case, full width, with spaces or hyphens. None if it is no code."""
    if len(typed) > TYPED_CHARACTERS_MAX:
        return None
    letters = unicodedata.normalize("NFKC", typed).upper()
    kept = "".join(letter for letter in letters if not _is_separator(letter))
    is_code = 0 < len(kept) <= CODE_CHARACTERS_MAX and kept.isascii() and kept.isalnum()
    return kept if is_code else None


def _is_separator(letter: str) -> bool:
    # Dash punctuation, spaces, line ends and marks that cannot be seen; underscores and dots as some print them.
    return unicodedata.category(letter) in {"Pd", "Zs", "Zl", "Zp", "Cc", "Cf"} or letter in "_.\u2212"


def shown(code: str) -> str:
    """A code as it is printed: in groups of four, where it divides into some."""
    if len(code) < 8 or len(code) % 4:
        return code
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def distinct(typed: Iterable[str]) -> tuple[list[str], list[int]]:
    """The codes in one form, each once, in their order; and the places of texts that are no codes."""
    found: dict[str, None] = {}
    wrong: list[int] = []
    for place, text in enumerate(typed):
        code = normalised(text)
        if code is None:
            wrong.append(place)
        else:
            found.setdefault(code)
    return list(found), wrong
