"""What people do to documents, inside the transaction they are given: each of it under the lock of the document.

`revision` is what the editor has read; whoever comes second finds another one and is refused. A draft carries the next
number; a roll-back takes that number for its copy and moves the draft on, so that numbers grow with publication.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic
from uuid import UUID

from pydantic import ValidationError

from moat.kit import audit
from moat.kit.db.transaction import Transaction
from moat.kit.documents import queries
from moat.kit.documents.kind import (
    C,
    ConfirmationNeeded,
    DocumentKind,
    Doubt,
    DraftExists,
    M,
    NoDraft,
    NotPublished,
    Published,
    Ref,
    UnknownDocument,
    WrongDocument,
)
from moat.kit.documents.queries import Version
from moat.kit.ids import uuid7
from moat.kit.problems import FieldError, Invalid, PreconditionFailed

Asks = Callable[[Transaction, C], Awaitable[Sequence[Doubt]]] | None
"""What else should be asked, beside the kind's own doubts."""

BACKDATED = Doubt(
    "documents.backdated",
    {
        "zh-CN": "生效时间早于现在：此后才到达的旧事实将按此版本判定，已判定的不变。",
        "en": "It is valid from before now: facts of then that arrive later are judged by it; what was judged stays.",
    },
)


@dataclass(frozen=True, slots=True)
class Live(Generic[C]):
    """What was published or retired, as it is stored and as it decides."""

    version: Version
    document: dict[str, Any]
    published: Published[C]


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes a document and when; `revision` is what he has read, None where nothing can have been read."""

    by: str
    at: datetime
    revision: int | None = None
    confirm: Collection[str] = ()


class _Held:
    """A document's versions while its lock is held."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self.versions = versions
        self.revision = max((one.revision for one in versions), default=0)
        self.last = max((one.version for one in versions), default=0)
        self.draft = next((one for one in versions if one.status == "draft"), None)
        self.published = next((one for one in versions if one.status == "published"), None)

    def valid_from_least(self) -> datetime | None:
        """What is published next cannot judge from earlier than this."""
        begun = [self.published.valid_from] if self.published else []
        ended = [one.valid_to for one in self.versions]
        return max((instant for instant in (*begun, *ended) if instant is not None), default=None)


async def _hold(tx: Transaction, kind: DocumentKind[Any, Any], code: str, change: Change) -> _Held:
    held = _Held(await queries.lock(tx, kind.name, code))
    if change.revision is not None:
        if not held.versions:
            raise UnknownDocument()
        if held.revision != change.revision:
            raise PreconditionFailed(revision=held.revision)
    return held


def compiled(kind: DocumentKind[M, C], model: M, ref: Ref, *, pointer: str) -> C:
    """What a document decides with. Raises Invalid with places under `pointer`."""
    try:
        return kind.compile(model, ref)
    except Invalid as refused:
        errors = [FieldError(f"{pointer}{one.pointer}", one.detail) for one in refused.errors]
        again = type(refused)(refused.detail, errors=errors)
        again.facts = refused.facts
        raise again from None


async def draft(tx: Transaction, kind: DocumentKind[M, C], code: str, model: M, change: Change) -> Version:
    """A new draft: of a new document, or the next version of one."""
    if kind.single is not None and code != kind.single:
        raise WrongDocument(
            errors=[FieldError("/code", f"there is one {kind.name} only, and its code is {kind.single}")]
        )
    held = await _hold(tx, kind, code, change)
    if held.draft is not None:
        raise DraftExists(version=held.draft.version)
    compiled(kind, model, Ref(kind.name, code, held.last + 1), pointer="/document")
    id_, document = uuid7(), model.model_dump(mode="json")
    await queries.insert(tx, id_, kind.name, code, version=held.last + 1, document=document, by=change.by, at=change.at)
    return await _again(tx, kind, code, id_)


async def replace(tx: Transaction, kind: DocumentKind[M, C], code: str, model: M, change: Change) -> Version:
    """The draft, written anew."""
    held = await _hold(tx, kind, code, change)
    if held.draft is None:
        raise NoDraft()
    compiled(kind, model, Ref(kind.name, code, held.draft.version), pointer="/document")
    document = model.model_dump(mode="json")
    await queries.replace(tx, held.draft.id, document=document, by=change.by, at=change.at)
    return await _again(tx, kind, code, held.draft.id)


async def discard(tx: Transaction, kind: DocumentKind[M, C], code: str, change: Change) -> None:
    """Throw the draft away."""
    held = await _hold(tx, kind, code, change)
    if held.draft is None:
        raise NoDraft()
    await queries.discard(tx, held.draft.id)


async def publish(
    tx: Transaction,
    kind: DocumentKind[M, C],
    code: str,
    change: Change,
    asks: Asks[C] = None,
    *,
    valid_from: datetime | None = None,
) -> Live[C]:
    """Publish the draft; what was published until now is retired, and judges until the new one does."""
    held = await _hold(tx, kind, code, change)
    if held.draft is None:
        raise NoDraft()
    begins = await _make_way(tx, kind, held, held.draft, held.draft.version, change, asks, valid_from)
    await queries.publish(tx, held.draft.id, valid_from=begins, by=change.by, at=change.at)
    return await _told(tx, kind, code, held.draft.id, "document.published", change)


async def roll_back(
    tx: Transaction, kind: DocumentKind[M, C], code: str, change: Change, asks: Asks[C] = None, *, version: int
) -> Live[C]:
    """Publish a copy of an earlier version as a new one. A draft stays, with the next number."""
    held = await _hold(tx, kind, code, change)
    wanted = next((one for one in held.versions if one.version == version and one.status != "draft"), None)
    if wanted is None:
        raise UnknownDocument(f"There is no version {version} that was published")
    number = held.draft.version if held.draft else held.last + 1
    begins = await _make_way(tx, kind, held, wanted, number, change, asks, None)
    if held.draft is not None:
        await queries.renumber(tx, held.draft.id, version=number + 1)
    copy_id = uuid7()
    await queries.copy(tx, wanted.id, copy_id, version=number, valid_from=begins, by=change.by, at=change.at)
    return await _told(tx, kind, code, copy_id, "document.published", change)


async def retire(tx: Transaction, kind: DocumentKind[M, C], code: str, change: Change) -> Live[C]:
    """Retire what is published, from now on."""
    held = await _hold(tx, kind, code, change)
    if held.published is None:
        raise NotPublished()
    valid_to = max(change.at, held.published.valid_from or change.at)
    await queries.retire(tx, held.published.id, valid_to=valid_to, by=change.by, at=change.at)
    return await _told(tx, kind, code, held.published.id, "document.retired", change)


async def _again(tx: Transaction, kind: DocumentKind[M, C], code: str, id_: UUID) -> Version:
    return next(one for one in await queries.versions_of(tx, kind.name, code) if one.id == id_)


async def _make_way(
    tx: Transaction,
    kind: DocumentKind[M, C],
    held: _Held,
    version: Version,
    number: int,
    change: Change,
    asks: Asks[C],
    valid_from: datetime | None,
) -> datetime:
    """Check what is to be published as `number`, retire what is published, and say from when the new one judges."""
    least = held.valid_from_least()
    if valid_from is not None and least is not None and valid_from < least:
        wrong = f"the version before is valid from or until {least.isoformat()}, so this one cannot be before it"
        raise WrongDocument(errors=[FieldError("/valid_from", wrong)])
    begins = valid_from or max(change.at, least or change.at)
    value = compiled(kind, await _read(tx, kind, version), Ref(kind.name, version.code, number), pointer="")
    asked = await asks(tx, value) if asks is not None else ()
    doubts = [*kind.doubts(value), *asked, *([BACKDATED] if begins < change.at else [])]
    if unconfirmed := [doubt for doubt in doubts if doubt.code not in change.confirm]:
        told = [{"code": one.code, "texts": one.texts} for one in unconfirmed]
        raise ConfirmationNeeded(unconfirmed[0].texts["en"], doubts=told)
    if held.published is not None:
        await queries.retire(tx, held.published.id, valid_to=begins, by=change.by, at=change.at)
    return begins


async def _read(tx: Transaction, kind: DocumentKind[M, C], version: Version) -> M:
    """A stored document as the model is today. Raises WrongDocument if it no longer fits."""
    try:
        return kind.model.model_validate(await queries.document_of(tx, version.id))
    except ValidationError as error:
        found = error.errors(include_url=False)
        errors = [FieldError("/" + "/".join(map(str, one["loc"])), one["msg"]) for one in found[:20]]
        raise WrongDocument(errors=errors) from None


async def _told(
    tx: Transaction, kind: DocumentKind[M, C], code: str, id_: UUID, action: str, change: Change
) -> Live[C]:
    version = await _again(tx, kind, code, id_)
    ref = Ref(kind.name, code, version.version)
    await audit.record(tx, at=change.at, actor=change.by, action=action, subject=f"{kind.name}/{ref}")
    model = await _read(tx, kind, version)
    value = kind.compile(model, ref)
    is_current = version.status == "published"
    live = Published(ref, version.valid_from, version.valid_to, is_current, value)
    return Live(version, model.model_dump(mode="json"), live)
