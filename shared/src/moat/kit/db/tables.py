"""The tables that every service has from the kit, as DDL for the first revision of each (reliability.md §1-5)."""

from collections.abc import Sequence
from typing import Final

from alembic.operations import Operations

AUTOVACUUM_BY_COUNT: Final = (
    "WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)"
)

_KIT: Final = f"""
CREATE TABLE outbox (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  bucket smallint NOT NULL,
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  topic text NOT NULL,
  type text NOT NULL,
  key text NOT NULL,
  payload bytea NOT NULL CHECK (octet_length(payload) <= 900000),
  headers jsonb NOT NULL DEFAULT '{{}}',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) {AUTOVACUUM_BY_COUNT};
CREATE INDEX outbox_bucket_seq ON outbox (bucket, seq);
CREATE TABLE outbox_dead (
  seq bigint PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  bucket smallint NOT NULL,
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  topic text NOT NULL,
  type text NOT NULL,
  key text NOT NULL,
  payload bytea NOT NULL,
  headers jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  reason text NOT NULL,
  attempts integer NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE inbox (
  consumer text NOT NULL,
  source text NOT NULL,
  event_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, source, event_id)
);
CREATE INDEX inbox_at ON inbox USING brin (at);
CREATE TABLE dead_letter (
  id uuid PRIMARY KEY,
  consumer text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  record_offset bigint NOT NULL,
  key bytea,
  value bytea,
  headers jsonb NOT NULL DEFAULT '[]',
  type text,
  event_id text,
  source text,
  code text NOT NULL,
  error text NOT NULL,
  attempts integer NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'replayed', 'discarded')),
  resolved_at timestamptz,
  resolved_by text,
  resolution_reason text,
  CHECK ((status = 'pending') = (resolved_at IS NULL)),
  UNIQUE (consumer, topic, partition, record_offset)
);
CREATE INDEX dead_letter_pending ON dead_letter (id) WHERE status = 'pending';
CREATE TABLE timer (
  kind text NOT NULL,
  key text NOT NULL,
  due_at timestamptz NOT NULL,
  payload jsonb NOT NULL DEFAULT '{{}}',
  attempts integer NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, key)
);
CREATE INDEX timer_due_at ON timer (due_at);
CREATE TABLE idempotency (
  principal text NOT NULL,
  route text NOT NULL,
  key text NOT NULL CHECK (length(key) <= 255),
  fingerprint bytea NOT NULL,
  status integer,
  headers jsonb,
  body bytea,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (principal, route, key)
);
CREATE INDEX idempotency_created_at ON idempotency USING brin (created_at);
CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  detail jsonb NOT NULL DEFAULT '{{}}',
  previous_hash bytea NOT NULL,
  hash bytea NOT NULL UNIQUE
);
"""

_CUSTOMERS: Final = """
CREATE TABLE known_customer (
  customer_id uuid PRIMARY KEY,
  created_at timestamptz NOT NULL,
  locale text,
  zone text
);
CREATE TABLE customer_alias (
  from_id uuid PRIMARY KEY,
  to_id uuid NOT NULL CHECK (to_id <> from_id),
  at timestamptz NOT NULL
);
CREATE INDEX customer_alias_to_id ON customer_alias (to_id);
"""
# Rare rows: a merge that was undone, and the orders that went with it.
_SPLITS: Final = """
CREATE TABLE customer_split (
  merge_id text PRIMARY KEY,
  from_id uuid NOT NULL,
  survivor_id uuid NOT NULL,
  origins uuid[] NOT NULL,
  at timestamptz NOT NULL
);
CREATE INDEX customer_split_survivor ON customer_split (survivor_id);
CREATE TABLE parted_order (
  order_uid uuid NOT NULL,
  survivor_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  PRIMARY KEY (order_uid, survivor_id)
);
"""
_SPLIT_TABLES: Final = ("customer_split", "parted_order")
_KIT_TABLES: Final = ("outbox", "outbox_dead", "inbox", "dead_letter", "timer", "idempotency")
_CUSTOMER_TABLES: Final = ("known_customer", "customer_alias")


def run_script(op: Operations, script: str) -> None:
    """Run several statements, each ended by a semicolon at a line's end; `$$` bodies stay whole.

    (The driver prepares every statement, and a prepared statement is one command.)
    """
    pending: list[str] = []
    for line in script.splitlines():
        pending.append(line)
        text = "\n".join(pending)
        if line.rstrip().endswith(";") and text.count("$$") % 2 == 0:
            op.execute(text.strip().rstrip(";").replace(":", r"\:"))
            pending = []
    if "\n".join(pending).strip():
        op.execute("\n".join(pending).strip().replace(":", r"\:"))


def create_kit_tables(op: Operations, *, service: str, customers: bool) -> None:
    """Outbox, inbox, dead letters, timers, idempotency, audit; with `customers` what `moat.customers` needs."""
    run_script(op, _KIT)
    grant(op, service=service, tables=_KIT_TABLES)
    # The audit is append-only for the service: it may read and add, never change.
    op.execute(f"GRANT SELECT, INSERT ON audit TO {service}_app")
    # Readiness asks whether the database is as far as the code.
    op.execute(f"GRANT SELECT ON alembic_version TO {service}_app")
    if customers:
        run_script(op, _CUSTOMERS)
        grant(op, service=service, tables=_CUSTOMER_TABLES)
        op.execute(f"GRANT SELECT ON known_customer, customer_alias TO {service}_customer")


def drop_kit_tables(op: Operations, *, customers: bool) -> None:
    """Undo `create_kit_tables`."""
    tables = ("audit", *_KIT_TABLES, *(_CUSTOMER_TABLES if customers else ()))
    for table in tables:
        op.drop_table(table)


def create_split_tables(op: Operations, *, service: str) -> None:
    """What a service that follows merges needs to undo them: which were undone, and whose orders went back."""
    run_script(op, _SPLITS)
    grant(op, service=service, tables=_SPLIT_TABLES)


def drop_split_tables(op: Operations) -> None:
    """Undo `create_split_tables`."""
    for table in _SPLIT_TABLES:
        op.drop_table(table)


def keep_origins(op: Operations, *tables: str) -> None:
    """Let rows that a merge moves say whose they were, so that a split can give them back."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} ADD COLUMN origin_id uuid")


def forget_origins(op: Operations, *tables: str) -> None:
    """Undo `keep_origins`."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} DROP COLUMN origin_id")


def grant(
    op: Operations, *, service: str, tables: Sequence[str], rights: str = "SELECT, INSERT, UPDATE, DELETE"
) -> None:
    """Let the service's role, which does not own the tables, work on them."""
    op.execute(f"GRANT {rights} ON {', '.join(tables)} TO {service}_app")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {service}_app")


def customer_rows(op: Operations, *, service: str, tables: Sequence[str], condition: str = "true") -> None:
    """Row-level security on tables with a `customer_id`: the service sees all, a customer his own rows, to read.

    Without the setting `moat.customer_id` a customer's transaction sees nothing. `condition` narrows it further.
    """
    own = f"({condition}) AND customer_id = nullif(current_setting('moat.customer_id', true), '')::uuid"
    for table in tables:
        for sql in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY {table}_app ON {table} TO {service}_app USING (true) WITH CHECK (true)",
            f"CREATE POLICY {table}_customer ON {table} FOR SELECT TO {service}_customer USING ({own})",
            f"GRANT SELECT ON {table} TO {service}_customer",
        ):
            op.execute(sql.replace(":", r"\:"))
