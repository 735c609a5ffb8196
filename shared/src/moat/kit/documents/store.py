"""Reading documents: compiled once in a process, because a published version never changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel

from moat.kit.db.transaction import Transaction
from moat.kit.documents import queries
from moat.kit.documents.kind import C, DocumentKind, M, Published, Ref, valid_at

N = TypeVar("N", bound=BaseModel)
D = TypeVar("D")
_JUDGING: Final = ("published", "retired")
COMPILED_MAX: Final = 5_000
"""So many compiled versions are kept in a process."""
# By the version's own id and the kind that compiled it: two databases never share an id, so tests may share a process.
_compiled: dict[tuple[UUID, DocumentKind[Any, Any]], Any] = {}


async def published(
    tx: Transaction, kind: DocumentKind[M, C], *, at: datetime | None = None
) -> dict[str, Published[C]]:
    """The version that is published now of each document of a kind, by code.

    With `at` the one that judges what happens at that instant; without it the last one that was published, although its
    `valid_from` may lie ahead.
    """
    if at is None:
        rows = await queries.live(tx, [kind.name], ["published"])
        return {one.ref.code: one for one in await _compile(tx, kind, rows)}
    judging = {code: valid_at(known, at) for code, known in (await versions(tx, kind)).items()}
    return {code: one for code, one in judging.items() if one is not None}


async def versions(tx: Transaction, kind: DocumentKind[M, C]) -> dict[str, list[Published[C]]]:
    """Every version that is or was published, by code, the earliest first: for judging late facts with `valid_at`."""
    return _by_code(await _compile(tx, kind, await _judging(tx, kind)))


async def versions_of_two(
    tx: Transaction, one: DocumentKind[M, C], other: DocumentKind[N, D]
) -> tuple[dict[str, list[Published[C]]], dict[str, list[Published[D]]]]:
    """`versions` of two kinds in one statement."""
    rows = await _judging(tx, one, other)
    first = await _compile(tx, one, [row for row in rows if row.kind == one.name])
    second = await _compile(tx, other, [row for row in rows if row.kind == other.name])
    return _by_code(first), _by_code(second)


async def _judging(tx: Transaction, *kinds: DocumentKind[Any, Any]) -> Sequence[Any]:
    """The rows of every version that is or was published, of those kinds."""
    names, together = [kind.name for kind in kinds], kinds[0].read_with
    if not together or any(kind.read_with != together for kind in kinds):
        return await queries.live(tx, names, _JUDGING)
    if together not in tx.documents:
        tx.documents[together] = await queries.live(tx, together, _JUDGING)
    return [row for row in tx.documents[together] if row.kind in names]


def _by_code(versions: Sequence[Published[C]]) -> dict[str, list[Published[C]]]:
    found: dict[str, list[Published[C]]] = {}
    for version in versions:
        found.setdefault(version.ref.code, []).append(version)
    return found


async def _compile(tx: Transaction, kind: DocumentKind[M, C], rows: Sequence[Any]) -> list[Published[C]]:
    compiled = {row.id: _compiled[row.id, kind] for row in rows if (row.id, kind) in _compiled}
    if len(compiled) < len(rows):
        documents = await queries.texts(tx, [row.id for row in rows if row.id not in compiled])
        if len(_compiled) + len(documents) > COMPILED_MAX:
            _compiled.clear()
        for row in rows:
            if row.id in documents:
                model = kind.model.model_validate(documents[row.id])
                value = kind.compile(model, Ref(kind.name, row.code, row.version))
                compiled[row.id] = _compiled[row.id, kind] = value
    return [
        Published(Ref(kind.name, row.code, row.version), row.valid_from, row.valid_to, row.is_current, compiled[row.id])
        for row in rows
    ]
