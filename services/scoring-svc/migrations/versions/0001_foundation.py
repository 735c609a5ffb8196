"""Foundation: what was bought, and the risk that follows from it."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE purchase (
  order_uid uuid PRIMARY KEY,
  customer_id uuid NOT NULL,
  paid_at timestamptz,
  purchase_date date,
  currency text CHECK (length(currency) = 3),
  total_minor bigint CHECK (total_minor >= 0),
  net_minor bigint CHECK (net_minor BETWEEN 0 AND total_minor),
  refunds jsonb NOT NULL DEFAULT '{}',
  CONSTRAINT purchase_paid_whole CHECK (
    num_nulls(paid_at, purchase_date, currency, total_minor, net_minor) IN (0, 5))
);
CREATE INDEX purchase_of_customer ON purchase (customer_id)
  INCLUDE (purchase_date, paid_at, currency, net_minor) WHERE paid_at IS NOT NULL;
CREATE INDEX purchase_unpaid_of_customer ON purchase (customer_id) WHERE paid_at IS NULL;
CREATE TABLE risk (
  customer_id uuid PRIMARY KEY,
  orders_count bigint CHECK (orders_count >= 1),
  purchase_days integer CHECK (purchase_days >= 1),
  span_days integer CHECK (span_days >= purchase_days - 1),
  last_paid_at timestamptz,
  value_minor bigint CHECK (value_minor >= 0),
  value_currency text CHECK (length(value_currency) = 3),
  medium_at timestamptz,
  high_at timestamptz CHECK (high_at >= medium_at),
  raised_at timestamptz,
  CONSTRAINT risk_whole CHECK (
    num_nulls(orders_count, purchase_days, span_days, last_paid_at, value_minor, value_currency, medium_at, high_at)
      IN (0, 8)),
  CONSTRAINT risk_raised_has_orders CHECK (raised_at IS NULL OR high_at IS NOT NULL)
);
CREATE INDEX risk_by_value ON risk (value_minor DESC, customer_id DESC) INCLUDE (medium_at, high_at)
  WHERE high_at IS NOT NULL;
"""


def upgrade() -> None:
    kit.create_kit_tables(op, service="scoring", customers=True)
    kit.run_script(op, TABLES)
    kit.grant(op, service="scoring", tables=["purchase", "risk"])


def downgrade() -> None:
    op.drop_table("risk")
    op.drop_table("purchase")
    kit.drop_kit_tables(op, customers=True)
