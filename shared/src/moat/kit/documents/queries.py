"""All SQL of documents."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from moat.kit.db.transaction import Transaction

LOCK_SEED: Final = 7305004
"""What the advisory locks of documents are made with, apart from those of others."""

_COLUMNS: Final = """d.id, d.kind, d.code, d.version, d.revision, d.status, d.author, d.created_at, d.changed_at,
  d.published_by, d.published_at, d.valid_from, d.valid_to, d.retired_by, d.retired_at"""
# The lock is of its own statement, so that the next one sees what its former holder committed.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(CAST(:name AS text), :seed))"
_VERSIONS_OF: Final = f"SELECT {_COLUMNS} FROM document d WHERE kind = :kind AND code = :code ORDER BY version"  # noqa: S608
_DOCUMENT: Final = "SELECT document FROM document WHERE id = :id"
_INSERT: Final = """
INSERT INTO document (id, kind, code, version, status, document, author, created_at, changed_at)
VALUES (:id, :kind, :code, :version, 'draft', CAST(:document AS jsonb), :author, :at, :at)
"""
_COPY: Final = """
INSERT INTO document (id, kind, code, version, status, document, author, created_at, changed_at, published_at,
                      published_by, valid_from)
SELECT :new_id, kind, code, :version, 'published', document, :by, :at, :at, :at, :by, :valid_from
FROM document WHERE id = :id
"""
_REPLACE: Final = """
UPDATE document SET document = CAST(:document AS jsonb), author = :author, changed_at = :at,
  revision = nextval('document_revision')
WHERE id = :id
"""
_RENUMBER: Final = "UPDATE document SET version = :version, revision = nextval('document_revision') WHERE id = :id"
_DISCARD: Final = "DELETE FROM document WHERE id = :id"
_PUBLISH: Final = """
UPDATE document SET status = 'published', published_by = :by, published_at = :at, changed_at = :at,
  valid_from = :valid_from, revision = nextval('document_revision')
WHERE id = :id
"""
_RETIRE: Final = """
UPDATE document SET status = 'retired', retired_by = :by, retired_at = :at, changed_at = :at, valid_to = :valid_to,
  revision = nextval('document_revision')
WHERE id = :id
"""
_LIVE: Final = """
SELECT id, kind, code, version, valid_from, valid_to, status = 'published' AS is_current FROM document
WHERE kind = ANY(CAST(:kinds AS text[])) AND status = ANY(CAST(:statuses AS text[]))
ORDER BY code, valid_from NULLS FIRST, version
"""
_TEXTS: Final = "SELECT id, document FROM document WHERE id = ANY(CAST(:ids AS uuid[]))"
_LIST: Final = f"""
SELECT {_COLUMNS}, d.document FROM document d
WHERE kind = :kind AND status = :status AND (code, version) > (:code, CAST(:version AS integer))
ORDER BY code, version LIMIT :limit
"""  # noqa: S608
_HISTORY: Final = f"""
SELECT {_COLUMNS}, d.document, p.document AS before FROM document d
LEFT JOIN document p ON p.kind = d.kind AND p.code = d.code AND p.version = d.version - 1
WHERE d.kind = :kind AND d.code = :code AND (CAST(:before AS integer) IS NULL OR d.version < :before)
ORDER BY d.version DESC LIMIT :limit
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Version:
    """One version as it is stored, without its document."""

    id: UUID
    kind: str
    code: str
    version: int
    revision: int
    status: str
    author: str
    created_at: datetime
    changed_at: datetime
    published_by: str | None
    published_at: datetime | None
    valid_from: datetime | None
    valid_to: datetime | None
    retired_by: str | None
    retired_at: datetime | None


async def lock(tx: Transaction, kind: str, code: str) -> list[Version]:
    """Hold everybody else off this document until the transaction ends; its versions in order."""
    await tx.execute(_LOCK, name=f"{kind}/{code}", seed=LOCK_SEED)
    tx.documents.clear()
    return await versions_of(tx, kind, code)


async def versions_of(tx: Transaction, kind: str, code: str) -> list[Version]:
    """The versions of a document in order; empty for an unknown one."""
    rows: Sequence[Any] = await tx.all(_VERSIONS_OF, kind=kind, code=code)
    return [Version(*row) for row in rows]


async def document_of(tx: Transaction, id_: UUID) -> dict[str, Any]:
    """The document of a version."""
    document: dict[str, Any] = await tx.scalar(_DOCUMENT, id=id_)
    return document


async def insert(
    tx: Transaction,
    id_: UUID,
    kind: str,
    code: str,
    *,
    version: int,
    document: Any,
    by: str,
    at: datetime,
) -> None:
    """A new draft."""
    await tx.execute(
        _INSERT,
        id=id_,
        kind=kind,
        code=code,
        version=version,
        document=json.dumps(document, ensure_ascii=False),
        author=by,
        at=at,
    )


async def copy(
    tx: Transaction, id_: UUID, new_id: UUID, *, version: int, valid_from: datetime, by: str, at: datetime
) -> None:
    """Publish a copy of a version as another one."""
    await tx.execute(_COPY, id=id_, new_id=new_id, version=version, valid_from=valid_from, by=by, at=at)
    tx.documents.clear()


async def replace(tx: Transaction, id_: UUID, *, document: Any, by: str, at: datetime) -> None:
    """A draft, written anew."""
    text = json.dumps(document, ensure_ascii=False)
    await tx.execute(_REPLACE, id=id_, document=text, author=by, at=at)


async def renumber(tx: Transaction, id_: UUID, *, version: int) -> None:
    """Move a draft to another number."""
    await tx.execute(_RENUMBER, id=id_, version=version)


async def discard(tx: Transaction, id_: UUID) -> None:
    """Throw a draft away."""
    await tx.execute(_DISCARD, id=id_)


async def publish(tx: Transaction, id_: UUID, *, valid_from: datetime, by: str, at: datetime) -> None:
    """Publish a draft."""
    await tx.execute(_PUBLISH, id=id_, valid_from=valid_from, by=by, at=at)
    tx.documents.clear()


async def retire(tx: Transaction, id_: UUID, *, valid_to: datetime, by: str, at: datetime) -> None:
    """Retire a published version."""
    await tx.execute(_RETIRE, id=id_, valid_to=valid_to, by=by, at=at)
    tx.documents.clear()


async def live(tx: Transaction, kinds: Iterable[str], statuses: Iterable[str]) -> Sequence[Any]:
    """(id, kind, code, version, valid_from, valid_to, is_current) of versions that are or were published, by code."""
    return await tx.all(_LIVE, kinds=list(kinds), statuses=list(statuses))


async def texts(tx: Transaction, ids: Iterable[UUID]) -> Mapping[UUID, dict[str, Any]]:
    """The documents of these versions."""
    rows: Sequence[Any] = await tx.all(_TEXTS, ids=list(ids))
    return {row[0]: row[1] for row in rows}


async def listed(
    tx: Transaction, kind: str, status: str, *, after: tuple[str, int], limit: int
) -> list[tuple[Version, dict[str, Any]]]:
    """Versions of a status with their documents, by code."""
    rows: Sequence[Any] = await tx.all(_LIST, kind=kind, status=status, code=after[0], version=after[1], limit=limit)
    return [(Version(*row[:-1]), row[-1]) for row in rows]


async def history(
    tx: Transaction, kind: str, code: str, *, before: int | None, limit: int
) -> list[tuple[Version, dict[str, Any], dict[str, Any] | None]]:
    """The versions of a document, newest first, each with its document and that of the version before."""
    rows: Sequence[Any] = await tx.all(_HISTORY, kind=kind, code=code, before=before, limit=limit)
    return [(Version(*row[:-2]), row[-2], row[-1]) for row in rows]
