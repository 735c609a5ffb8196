"""The table of documents and what the first migration of a feature puts into it."""

from collections.abc import Mapping
from typing import Any

from alembic.operations import Operations


def create_document_table(op: Operations, *, service: str) -> None:
    """The table `document` of a service, with the trigger that keeps published versions as they are."""
    raise NotImplementedError


def drop_document_table(op: Operations) -> None:
    """Undo `create_document_table`."""
    raise NotImplementedError


def insert_first(op: Operations, kind: str, code: str, document: Mapping[str, Any]) -> None:
    """Version 1 of a document, published, valid from the beginning of time. `kind` is the kind's name."""
    raise NotImplementedError


def remove_kind(op: Operations, kind: str) -> None:
    """For downgrades: forget every version of a kind, published ones too."""
    raise NotImplementedError
