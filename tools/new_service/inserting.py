"""Putting a line or a word into a file that people write: where one known thing stands, or not at all."""

import re
from typing import Final

from tools.new_service.naming import Refused


class MissingAnchor(Refused):
    """The place where something belongs was not found, or more than once."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path}: cannot find {what}; was it rewritten? Nothing was changed")


_ANY: Final = r"[\s\S]*?"


def before(path: str, text: str, anchor: str, piece: str) -> str:
    """`text` with `piece` in front of the one match of `anchor` (a regular expression); unchanged if it stands there.

    Raises MissingAnchor.
    """
    found = list(re.finditer(anchor, text, re.MULTILINE))
    if len(found) != 1:
        raise MissingAnchor(path, f"the one place of {anchor!r}")
    at = found[0].start()
    return text if piece.strip() in text else text[:at] + piece + text[at:]


def into_list(path: str, text: str, begins: str, word: str, *, before_word: str) -> str:
    """`text` with `word, ` in front of `before_word` in the one bracketed list that follows `begins`.

    begins is a regular expression that ends with the opening bracket; a list that holds the word stays as it is.
    Raises MissingAnchor.
    """
    found = list(re.finditer(rf"(?:{begins})({_ANY})[\])}}]", text, re.MULTILINE))
    if len(found) != 1:
        raise MissingAnchor(path, f"the one list after {begins!r}")
    start, end = found[0].span(1)
    inside = text[start:end]
    if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", inside):
        return text
    if before_word == "":
        closed = inside.rstrip().rstrip(",")
        return f"{text[:start]}{closed}, {word}{text[end:]}"
    if inside.count(before_word) != 1:
        raise MissingAnchor(path, f"{before_word} in the list after {begins!r}")
    return text[:start] + inside.replace(before_word, f"{word}, {before_word}") + text[end:]
