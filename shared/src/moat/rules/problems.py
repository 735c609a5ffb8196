"""What a bad condition gets: every wrong place by its JSON pointer, with a hint where one is near."""

from moat.kit.problems import FieldError, Invalid, nearest

__all__ = ["ERRORS_MAX", "Errors", "RuleError", "escaped", "nearest", "shown"]

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


def escaped(key: str) -> str:
    """One reference token of a JSON pointer (RFC 6901, 3)."""
    return key.replace("~", "~0").replace("/", "~1")
