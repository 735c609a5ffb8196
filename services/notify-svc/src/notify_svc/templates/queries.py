"""All SQL of templates."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from moat.kit.db.transaction import Transaction

_PUBLISHED = """
SELECT code, version, texts FROM template WHERE status = 'published' AND code = ANY(CAST(:codes AS text[]))
"""
_VERSIONS = """
SELECT t.code, t.version, t.texts FROM template t
JOIN unnest(CAST(:codes AS text[]), CAST(:versions AS integer[])) AS wanted (code, version) USING (code, version)
"""


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of a template's texts, by locale."""

    code: str
    version: int
    texts: dict[str, dict[str, Any]]


async def published(tx: Transaction, codes: Collection[str]) -> dict[str, TemplateVersion]:
    """The published version of each code."""
    rows = await tx.all(_PUBLISHED, codes=list(codes))
    return {row.code: TemplateVersion(row.code, row.version, row.texts) for row in rows}


async def versions(tx: Transaction, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], TemplateVersion]:
    """These versions, published or retired: a message keeps the words it was made with."""
    pairs = sorted(set(wanted))
    rows = await tx.all(_VERSIONS, codes=[code for code, _ in pairs], versions=[version for _, version in pairs])
    return {(row.code, row.version): TemplateVersion(row.code, row.version, row.texts) for row in rows}
