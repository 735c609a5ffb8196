"""The versions of documents: read compiled, written under a lock of the document, never rewritten once published."""

from moat.kit.db.transaction import Transaction
from moat.kit.documents.kind import C, DocumentKind, M, Published


async def published(tx: Transaction, kind: DocumentKind[M, C]) -> dict[str, Published[C]]:
    """The version that is published now of each document of a kind, by code; compiled once in a process."""
    raise NotImplementedError


async def versions(tx: Transaction, kind: DocumentKind[M, C]) -> dict[str, list[Published[C]]]:
    """Every version that is or was published, by code, the earliest first: for judging late facts with `valid_at`."""
    raise NotImplementedError
