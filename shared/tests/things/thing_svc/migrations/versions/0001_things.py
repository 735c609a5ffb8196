"""Things, and what the kit needs."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0001"
down_revision = None


def upgrade() -> None:
    kit.create_kit_tables(op, service="thing", customers=False)
    op.execute("CREATE TABLE thing (id uuid PRIMARY KEY, name text NOT NULL, version integer NOT NULL DEFAULT 1)")
    kit.grant(op, service="thing", tables=["thing"])


def downgrade() -> None:
    op.drop_table("thing")
    kit.drop_kit_tables(op, customers=False)
