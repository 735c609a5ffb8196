"""What a kind of document is: its model, and how a version of it becomes something that decides.

Pure, so that a feature's heart may declare its kind. A feature has one `DocumentKind` for each thing its business
people tune; `moat.kit.documents.store` keeps the versions, `moat.kit.documents.routes` is the door.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from moat.kit.documents.model import DocumentModel
from moat.kit.problems import Conflict, Invalid, NotFound

M = TypeVar("M", bound=BaseModel)
C = TypeVar("C")


class Ref(NamedTuple):
    """One version of one document; as text `order-points@3`."""

    kind: str
    code: str
    version: int

    def __str__(self) -> str:
        return f"{self.code}@{self.version}"


class Doubt(NamedTuple):
    """Something allowed that is seldom meant: publishing asks to confirm `code` and shows `texts` (zh-CN, en)."""

    code: str
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Published(Generic[C]):
    """A version that is or was published, compiled; it judges from `valid_from` (None: ever) until `valid_to`."""

    ref: Ref
    valid_from: datetime | None
    valid_to: datetime | None
    is_current: bool
    """Whether it is published now (else retired)."""
    value: C

    def judges(self, at: datetime) -> bool:
        """Whether it is the version for what happened at `at`."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_to is None or at < self.valid_to)


@dataclass(frozen=True)
class DocumentKind(Generic[M, C]):
    """A kind of document.

    name: `earning_rule`; stored with every version, never changed. model: a `DocumentModel`, whose JSON is what people
    write. compile: makes of a valid model what decides (conditions parsed); it raises `Invalid` (RuleError, say) with
    pointers from the document's root. doubts: what publishing should ask to confirm. single: the only code there may
    be, for things of which there is one (a tier plan). read_with: the names of kinds, its own among them, which every
    batch asks for: their versions are read in one statement, once in a transaction, so what is published while a batch
    is taken judges the next one.
    """

    name: str
    model: type[M]
    compile: Callable[[M, Ref], C]
    doubts: Callable[[C], Sequence[Doubt]] = field(default=lambda _: ())
    single: str | None = None
    read_with: tuple[str, ...] = ()


def valid_at(versions: Sequence[Published[C]], at: datetime) -> Published[C] | None:
    """The version that judges what happened at `at`; the latest should several be valid. `versions`: earliest first."""
    for version in reversed(versions):
        if version.judges(at):
            return version
    return None


class UnknownDocument(NotFound):
    """No version of this code, or not the one asked for."""

    code, title = "documents.unknown", "There is no such document"


class NoDraft(Conflict):
    """There is nothing to edit or publish."""

    code, title = "documents.no-draft", "There is no draft of this document"


class DraftExists(Conflict):
    """A document has one draft at most."""

    code, title = "documents.draft-exists", "This document has a draft already; edit that one"


class NotPublished(Conflict):
    """Only what is published can be retired."""

    code, title = "documents.not-published", "This document is not published"


class ConfirmationNeeded(Conflict):
    """Publishing this is seldom meant; `doubts` says why, and `confirm` in the body says that it is."""

    code, title = "documents.confirmation-needed", "Please confirm that this is meant"


class WrongDocument(Invalid):
    """The document cannot be used; `errors` names each place."""

    code, title = "documents.invalid", "The document is not valid"


__all__ = [
    "ConfirmationNeeded",
    "DocumentKind",
    "DocumentModel",
    "Doubt",
    "DraftExists",
    "NoDraft",
    "NotPublished",
    "Published",
    "Ref",
    "UnknownDocument",
    "WrongDocument",
    "valid_at",
]
