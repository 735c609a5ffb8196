"""Splits: what undoes a merge; postings that went to another customer; rows that a merge moves say whose they were."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SERVICE = "loyalty"
MOVED = ("adjustment", "award", "coupon_code", "coupon_use", "reward_redemption", "surprise_gift")

# A posting never changes, so whose it has become stands beside it.
OWNERS = """
CREATE TABLE parted_posting (
  posting_id uuid PRIMARY KEY,
  customer_id uuid NOT NULL
);
CREATE INDEX parted_posting_of_customer ON parted_posting (customer_id);
CREATE VIEW owned_posting WITH (security_invoker = true) AS
  SELECT p.customer_id AS owner_id, p.id, p.at, p.kind, p.cause_id, p.cause_part, p.order_id FROM posting p
  WHERE NOT EXISTS (SELECT FROM parted_posting o WHERE o.posting_id = p.id)
  UNION ALL
  SELECT o.customer_id, p.id, p.at, p.kind, p.cause_id, p.cause_part, p.order_id
  FROM parted_posting o JOIN posting p ON p.id = o.posting_id;
"""


def upgrade() -> None:
    kit.create_split_tables(op, service=SERVICE)
    kit.run_script(op, OWNERS)
    kit.grant(op, service=SERVICE, tables=["parted_posting"])
    kit.grant(op, service=SERVICE, tables=["owned_posting"], rights="SELECT")
    # A member's own tier is judged in his own transaction; the rows hold ids only.
    op.execute("GRANT SELECT ON parted_posting, owned_posting TO loyalty_customer")
    kit.keep_origins(op, *MOVED)


def downgrade() -> None:
    kit.forget_origins(op, *MOVED)
    op.execute("DROP VIEW owned_posting")
    op.drop_table("parted_posting")
    kit.drop_split_tables(op)
