"""Splits: what undoes a merge."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kit.create_split_tables(op, service="scoring")


def downgrade() -> None:
    kit.drop_split_tables(op)
