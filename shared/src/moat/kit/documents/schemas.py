"""What goes in and out over HTTP of any kind of document."""

from typing import Annotated, Any, Generic, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from moat.kit.documents.kind import Doubt, M
from moat.kit.documents.model import Code, Names
from moat.kit.documents.queries import Version
from moat.kit.instants import Instant

Status = Literal["draft", "published", "retired"]
Confirm = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(max_length=20, description="Codes of doubts that were shown and are meant"),
]
_ALLOWED = {"draft": ["edit", "discard", "publish"], "published": ["retire"], "retired": ["rollback"]}


class DraftIn(BaseModel, Generic[M]):
    """A new draft."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    document: M


class DocumentIn(BaseModel, Generic[M]):
    """A draft, written anew."""

    model_config = ConfigDict(extra="forbid")

    document: M


class PreviewIn(BaseModel, Generic[M]):
    """A document to be checked; nothing is kept."""

    model_config = ConfigDict(extra="forbid")

    code: Code = "preview"
    document: M


class PublishIn(BaseModel):
    """When it begins to judge (now, unless said), and which doubts are confirmed."""

    model_config = ConfigDict(extra="forbid")

    valid_from: Instant | None = None
    confirm: Confirm = []


class RollBackIn(BaseModel):
    """Which version to publish again."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    confirm: Confirm = []


class DocumentOut(BaseModel):
    """One version of a document. `revision` is that of the whole document, to be sent back as If-Match."""

    kind: str
    code: str
    version: int
    status: Status
    revision: int
    document: dict[str, Any]
    author: str
    created_at: AwareDatetime
    changed_at: AwareDatetime
    published_by: str | None
    published_at: AwareDatetime | None
    valid_from: Annotated[
        AwareDatetime | None, Field(description="null of a published one: from the beginning of time")
    ]
    valid_to: AwareDatetime | None
    retired_by: str | None
    retired_at: AwareDatetime | None
    allowed_actions: list[str]

    @classmethod
    def of(cls, version: Version, document: dict[str, Any], revision: int | None = None) -> "DocumentOut":
        """A version with its document."""
        told = {name: getattr(version, name) for name in cls.model_fields if hasattr(version, name)}
        told["revision"] = version.revision if revision is None else revision
        return cls(**told, document=document, allowed_actions=_ALLOWED[version.status])


class VersionOut(BaseModel):
    """One version, with the places where it differs from the version before (null for the first)."""

    version: DocumentOut
    changes: list[str] | None


class DoubtOut(BaseModel):
    """What publishing would ask to confirm."""

    code: str
    texts: Names

    @classmethod
    def of(cls, doubt: Doubt) -> "DoubtOut":
        """A doubt of the kind."""
        return cls(code=doubt.code, texts=doubt.texts)


class PreviewOut(BaseModel):
    """The document is valid; this is what would be asked, and what it would do (as its kind says)."""

    doubts: list[DoubtOut]
    would: Any = None
