"""Checkouts: points and coupons put aside as one, and what points are worth at the till. Liability needs no table."""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import insert_first, remove_kind

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
CHECKOUT = """
CREATE TABLE checkout (
  id uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  hold_id uuid,
  made_at timestamptz NOT NULL,
  until timestamptz NOT NULL,
  resolved_at timestamptz,
  goods_minor bigint NOT NULL,
  shipping_minor bigint NOT NULL,
  goods_off_minor bigint NOT NULL,
  shipping_off_minor bigint NOT NULL,
  points bigint NOT NULL,
  points_minor bigint NOT NULL,
  codes integer NOT NULL,
  state text COLLATE "C" NOT NULL CONSTRAINT checkout_state CHECK (state IN ('reserved', 'confirmed', 'cancelled')),
  currency text COLLATE "C" NOT NULL,
  account_type text COLLATE "C",
  payment text COLLATE "C",
  order_id text,
  CONSTRAINT checkout_resolved CHECK ((state = 'reserved') = (resolved_at IS NULL)),
  CONSTRAINT checkout_parts CHECK (
    (points > 0) = (hold_id IS NOT NULL) AND (points > 0) = (payment IS NOT NULL)
    AND (points > 0) = (account_type IS NOT NULL) AND (points > 0 OR codes > 0)),
  CONSTRAINT checkout_amounts CHECK (
    goods_off_minor + points_minor <= goods_minor AND shipping_off_minor <= shipping_minor
    AND least(goods_off_minor, points_minor, shipping_off_minor) >= 0)
) WITH (fillfactor = 80);
CREATE INDEX checkout_of_customer ON checkout (customer_id, id);
"""
# What a point costs is 1 fen in the starting programme; it takes as much off, for half of the goods at most.
FIRST = {
    "names": {"zh-CN": "积分抵现", "en": "Pay with points"},
    "account_type": "points",
    "currency": "CNY",
    "step_points": 100,
    "step_minor": 100,
    "at_least_points": 100,
    "share_max_percent": 50,
}


def upgrade() -> None:
    kit.run_script(op, CHECKOUT)
    kit.grant(op, service=SERVICE, tables=["checkout"])
    kit.customer_rows(op, service=SERVICE, tables=["checkout"])
    insert_first(op, "points_payment", "points-in-cny", FIRST)


def downgrade() -> None:
    remove_kind(op, "points_payment")
    op.drop_table("checkout")
