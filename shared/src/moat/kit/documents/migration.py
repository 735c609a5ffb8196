"""The table of documents and what the first migration of a feature puts into it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from alembic.operations import Operations

from moat.kit.db.tables import grant, run_script
from moat.kit.ids import uuid7

_TABLE: Final = """
CREATE SEQUENCE document_revision;
CREATE TABLE document (
  id uuid PRIMARY KEY,
  version integer NOT NULL CONSTRAINT document_version CHECK (version > 0),
  revision bigint NOT NULL DEFAULT nextval('document_revision'),
  created_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  published_at timestamptz,
  retired_at timestamptz,
  valid_from timestamptz,
  valid_to timestamptz,
  kind text COLLATE "C" NOT NULL,
  code text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  author text NOT NULL,
  published_by text,
  retired_by text,
  document jsonb NOT NULL,
  CONSTRAINT document_validity CHECK (valid_from <= valid_to),
  CONSTRAINT document_status CHECK (
    (status = 'draft' AND published_at IS NULL AND retired_at IS NULL AND valid_to IS NULL)
    OR (status = 'published' AND published_at IS NOT NULL AND retired_at IS NULL AND valid_to IS NULL)
    OR (status = 'retired' AND published_at IS NOT NULL AND retired_at IS NOT NULL AND valid_to IS NOT NULL))
);
CREATE UNIQUE INDEX document_versions ON document (kind, code, version);
CREATE UNIQUE INDEX document_draft ON document (kind, code) WHERE status = 'draft';
CREATE UNIQUE INDEX document_published ON document (kind, code) WHERE status = 'published';
-- What running things began with stays what it was: a published version can be retired, and nothing else.
CREATE FUNCTION refuse_rewriting_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'draft' AND (TG_OP = 'DELETE' OR OLD.status = 'retired'
      OR (OLD.id, OLD.kind, OLD.code, OLD.version, OLD.document, OLD.author, OLD.published_at, OLD.valid_from)
         IS DISTINCT FROM
         (NEW.id, NEW.kind, NEW.code, NEW.version, NEW.document, NEW.author, NEW.published_at, NEW.valid_from)
      OR NEW.status <> 'retired') THEN
    RAISE EXCEPTION 'version % of % % is published: write a new one', OLD.version, OLD.kind, OLD.code
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER published_stays BEFORE UPDATE OR DELETE ON document
  FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_document();
"""
_FIRST: Final = """
INSERT INTO document (id, kind, code, version, status, document, author, created_at, changed_at, published_at,
                      published_by)
VALUES (:id, :kind, :code, 1, 'published', CAST(:document AS jsonb), 'moat', :at, :at, :at, 'moat')
"""
WRITTEN_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def create_document_table(op: Operations, *, service: str) -> None:
    """The table `document` of a service, with the trigger that keeps published versions as they are."""
    run_script(op, _TABLE)
    grant(op, service=service, tables=["document"])


def drop_document_table(op: Operations) -> None:
    """Undo `create_document_table`."""
    op.drop_table("document")
    op.execute("DROP SEQUENCE document_revision")
    op.execute("DROP FUNCTION refuse_rewriting_document")


def insert_first(op: Operations, kind: str, code: str, document: Mapping[str, Any]) -> None:
    """Version 1 of a document, published, valid from the beginning of time. `kind` is the kind's name."""
    text = json.dumps(document, ensure_ascii=False)
    op.execute(sa.text(_FIRST).bindparams(id=uuid7(), kind=kind, code=code, document=text, at=WRITTEN_AT))


def remove_kind(op: Operations, kind: str) -> None:
    """For downgrades: forget every version of a kind, published ones too."""
    op.execute("ALTER TABLE document DISABLE TRIGGER published_stays")
    op.execute(sa.text("DELETE FROM document WHERE kind = :kind").bindparams(kind=kind))
    op.execute("ALTER TABLE document ENABLE TRIGGER published_stays")
