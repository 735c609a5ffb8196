"""The door of a kind of document: draft, preview, publish, retire, roll back, versions."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter

from moat.kit.db.transaction import Transaction
from moat.kit.documents.kind import C, DocumentKind, M, Published

Preview = Callable[[Transaction, C, datetime], Awaitable[Any]]
"""What a draft would do, as JSON: (tx, compiled draft, now)."""
Hook = Callable[[Transaction, Published[C], datetime], Awaitable[None]]
"""Runs in the transaction that publishes or retires a version; a Problem it raises refuses that."""


def document_routes(
    kind: DocumentKind[M, C],
    *,
    path: str,
    read: str,
    write: str,
    preview: Preview[C] | None = None,
    on_publish: Hook[C] | None = None,
    on_retire: Hook[C] | None = None,
) -> APIRouter:
    """The routes of `kind` under `path`; `read` and `write` are scopes. See the module `moat.kit.documents`."""
    raise NotImplementedError
