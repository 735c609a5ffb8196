"""The heart of contradictions: what a document says against itself, so that no version that says it is published.

The model lets it pass, because versions that were published before this was looked at are read for ever.
"""

from collections.abc import Sequence

from loyalty_svc.earning.documents import ProgrammeDocument, RuleDocument
from moat.kit.problems import FieldError


def contradictions(document: RuleDocument | ProgrammeDocument) -> tuple[FieldError, ...]:
    """Each place where a document contradicts itself, by JSON pointer."""
    return tuple(_repeated(document.credits or ()))


def _repeated(credits: Sequence[str]) -> list[FieldError]:
    """An award is booked once in each account type."""
    return [
        FieldError(f"/credits/{place}", f"{code} is there twice: points go to each account type once")
        for place, code in enumerate(credits)
        if code in credits[:place]
    ]
