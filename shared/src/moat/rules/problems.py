"""What a bad condition gets: every wrong place by its JSON pointer, with a hint where one is near."""

from collections.abc import Iterable
from difflib import get_close_matches

from moat.kit.problems import FieldError, Invalid

ERRORS_MAX = 50
"""More than so many errors of one document help nobody."""


class RuleError(Invalid):
    """The condition cannot be used; `errors` names each place."""

    code, title = "rules.invalid", "The condition is not valid"


class Errors:
    """Collects what is wrong so that an author sees all of it at once."""

    def __init__(self) -> None:
        self.found: list[FieldError] = []

    def add(self, pointer: str, detail: str) -> None:
        """Note one error; those beyond `ERRORS_MAX` are dropped."""
        if len(self.found) < ERRORS_MAX:
            self.found.append(FieldError(pointer, detail))

    def refusal(self) -> RuleError:
        """What was found, ready to raise."""
        return RuleError(self.found[0].detail, errors=self.found)


def shown(value: object) -> str:
    """A value as an error may repeat it: short, whatever it was."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def nearest(wrong: object, names: Iterable[str]) -> str:
    """A hint with the names that look most like `wrong`; empty when none does."""
    near = get_close_matches(str(wrong)[:100], sorted(names), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def escaped(key: str) -> str:
    """One reference token of a JSON pointer (RFC 6901, 3)."""
    return key.replace("~", "~0").replace("/", "~1")
