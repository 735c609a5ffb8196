"""Foundation: ledger, tiers, earning, and the starting programme published as version 1."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from moat.kit.db import migrations as kit

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERVICE = "loyalty"
DOCUMENTS = ("earning_programme", "tier_plan")

LEDGER = """
CREATE TABLE account (
  customer_id uuid NOT NULL,
  last_at timestamptz NOT NULL,
  available bigint NOT NULL DEFAULT 0,
  pending bigint NOT NULL DEFAULT 0,
  reserved bigint NOT NULL DEFAULT 0,
  earned_total bigint NOT NULL DEFAULT 0,
  spent_total bigint NOT NULL DEFAULT 0,
  expired_total bigint NOT NULL DEFAULT 0,
  reversed_total bigint NOT NULL DEFAULT 0,
  type text COLLATE "C" NOT NULL,
  PRIMARY KEY (customer_id, type)
) WITH (fillfactor = 70);
CREATE TABLE posting (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  at timestamptz NOT NULL,
  cause_id uuid NOT NULL,
  seal bigint NOT NULL,
  kind text COLLATE "C" NOT NULL CONSTRAINT posting_kind
    CHECK (kind IN ('earned', 'reversed', 'spent', 'expired', 'adjusted', 'transferred')),
  cause_part text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  event_id text NOT NULL,
  order_id text,
  rule text,
  matched text
);
CREATE UNIQUE INDEX posting_once ON posting (cause_id, kind, cause_part);
CREATE INDEX posting_of_customer ON posting (customer_id, id);
CREATE TABLE entry (
  posting_id uuid NOT NULL,
  customer_id uuid NOT NULL,
  other_id uuid,
  amount bigint NOT NULL CONSTRAINT entry_amount CHECK (amount <> 0),
  balance_after bigint NOT NULL,
  seal bigint NOT NULL,
  account_type text COLLATE "C" NOT NULL,
  programme text COLLATE "C",
  PRIMARY KEY (posting_id, account_type),
  CONSTRAINT entry_sides CHECK (
    (other_id IS NULL AND programme IN ('liability', 'breakage', 'compensation'))
    OR (other_id <> customer_id AND programme IS NULL))
);
CREATE VIEW leg WITH (security_invoker = true) AS
  SELECT posting_id, account_type, customer_id, NULL AS programme, amount FROM entry
  UNION ALL SELECT posting_id, account_type, other_id, programme, -amount FROM entry;
-- Stable as textsend is, or they would not be inlined.
CREATE FUNCTION posting_seal(id uuid, customer_id uuid, at timestamptz, cause_id uuid, kind text, cause_part text)
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE RETURN crc32c(
  uuid_send(id) || uuid_send(customer_id) || timestamptz_send(at) || uuid_send(cause_id) || textsend(kind || cause_part));
CREATE FUNCTION entry_seal(posting_id uuid, customer_id uuid, account_type text, amount bigint, balance_after bigint)
RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE RETURN crc32c(
  uuid_send(posting_id) || uuid_send(customer_id) || textsend(account_type) || int8send(amount)
  || int8send(balance_after));
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% only grows: correct it by a new posting', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER posting_grows_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_grows_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry EXECUTE FUNCTION refuse_change();
"""
TIERS = """
CREATE TABLE tier_plan (
  version integer PRIMARY KEY,
  status text NOT NULL,
  document jsonb NOT NULL,
  author text NOT NULL,
  created_at timestamptz NOT NULL,
  published_at timestamptz,
  retired_at timestamptz,
  CONSTRAINT tier_plan_status CHECK (
    (status = 'draft' AND published_at IS NULL AND retired_at IS NULL)
    OR (status = 'published' AND published_at IS NOT NULL AND retired_at IS NULL)
    OR (status = 'retired' AND published_at IS NOT NULL AND retired_at IS NOT NULL))
);
CREATE UNIQUE INDEX tier_plan_published ON tier_plan (status) WHERE status = 'published';
CREATE TABLE membership (
  customer_id uuid PRIMARY KEY,
  enrolled_at timestamptz NOT NULL,
  since timestamptz NOT NULL,
  plan_version integer NOT NULL,
  tier text NOT NULL,
  event_id text NOT NULL
) WITH (fillfactor = 80);
"""
EARNING = """
CREATE TABLE earning_programme (
  version integer PRIMARY KEY,
  status text NOT NULL,
  valid_from timestamptz,
  valid_to timestamptz,
  document jsonb NOT NULL,
  author text NOT NULL,
  created_at timestamptz NOT NULL,
  published_at timestamptz,
  retired_at timestamptz,
  CONSTRAINT earning_programme_status CHECK (
    (status = 'draft' AND published_at IS NULL AND retired_at IS NULL)
    OR (status = 'published' AND published_at IS NOT NULL AND retired_at IS NULL)
    OR (status = 'retired' AND published_at IS NOT NULL AND retired_at IS NOT NULL AND valid_to IS NOT NULL)),
  CONSTRAINT earning_programme_validity CHECK (valid_from < valid_to)
);
CREATE UNIQUE INDEX earning_programme_published ON earning_programme (status) WHERE status = 'published';
CREATE TABLE order_earning (
  order_uid uuid PRIMARY KEY,
  customer_id uuid,
  paid_at timestamptz,
  total_minor bigint,
  earned bigint NOT NULL,
  reversed bigint NOT NULL,
  revision integer NOT NULL,
  programme_version integer,
  currency text,
  refunds jsonb,
  CONSTRAINT order_earning_reversed CHECK (reversed BETWEEN 0 AND earned),
  CONSTRAINT order_earning_paid CHECK (
    (customer_id IS NULL AND paid_at IS NULL AND total_minor IS NULL AND currency IS NULL AND earned = 0)
    OR (customer_id IS NOT NULL AND paid_at IS NOT NULL AND total_minor IS NOT NULL AND currency IS NOT NULL))
);
"""
# What running things began with stays what it was: only a draft may be written or thrown away.
PUBLISHED_STAYS = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'draft' AND (TG_OP = 'DELETE' OR NEW.document <> OLD.document OR NEW.version <> OLD.version) THEN
    RAISE EXCEPTION 'version % of % is published: write a new one', OLD.version, TG_TABLE_NAME
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER published_stays BEFORE UPDATE OR DELETE ON earning_programme
  FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER published_stays BEFORE UPDATE OR DELETE ON tier_plan FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
"""

STARTING_PROGRAMME = {
    "currencies": ["CNY", "USD", "GBP"],
    "credits": ["points", "growth"],
    "rules": [
        {
            "code": "order-points",
            "names": {"zh-CN": "消费积分", "en": "Points for orders"},
            "condition": {
                "combinator": "and",
                "rules": [{"field": "total_minor", "operator": ">", "value": 0}],
            },
            "award": {"kind": "rate", "points": 1, "per": "currency_unit", "rounding": "down"},
        }
    ],
}
STARTING_TIERS = {
    "tiers": [
        {"code": "member", "names": {"zh-CN": "普通会员", "en": "Member"}, "from_growth": 0},
        {"code": "silver", "names": {"zh-CN": "银卡", "en": "Silver"}, "from_growth": 200},
        {"code": "gold", "names": {"zh-CN": "金卡", "en": "Gold"}, "from_growth": 500},
        {"code": "black", "names": {"zh-CN": "黑金", "en": "Black"}, "from_growth": 1000},
    ]
}
WRITTEN_AT = datetime(2026, 1, 1, tzinfo=UTC)


def upgrade() -> None:
    kit.create_kit_tables(op, service=SERVICE, customers=True)
    for script in (LEDGER, TIERS, EARNING, PUBLISHED_STAYS):
        kit.run_script(op, script)
    kit.grant(op, service=SERVICE, tables=["posting", "entry"], rights="SELECT, INSERT")
    kit.grant(op, service=SERVICE, tables=["leg"], rights="SELECT")
    kit.grant(op, service=SERVICE, tables=["account", "membership", "order_earning", *DOCUMENTS])
    kit.customer_rows(op, service=SERVICE, tables=["account", "posting", "entry", "membership", "order_earning"])
    op.execute("GRANT SELECT ON tier_plan TO loyalty_customer")
    for table, document in (("earning_programme", STARTING_PROGRAMME), ("tier_plan", STARTING_TIERS)):
        _publish_first(table, document)


def _publish_first(table: str, document: dict[str, object]) -> None:
    """Version 1, valid from the beginning of time."""
    op.execute(
        sa.text(
            f"INSERT INTO {table} (version, status, document, author, created_at, published_at)"  # noqa: S608
            " VALUES (1, 'published', CAST(:document AS jsonb), 'moat', :at, :at)"
        ).bindparams(document=json.dumps(document, ensure_ascii=False), at=WRITTEN_AT)
    )


def downgrade() -> None:
    op.execute("DROP VIEW leg")
    for table in ("order_earning", "membership", "entry", "posting", "account", *DOCUMENTS):
        op.drop_table(table)
    for function in ("refuse_change", "refuse_rewriting", "posting_seal", "entry_seal"):
        op.execute(f"DROP FUNCTION {function}")
    kit.drop_kit_tables(op, customers=True)
