"""Splits: what undoes a merge; messages that a merge moves say whose they were."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kit.create_split_tables(op, service="notify")
    kit.keep_origins(op, "message")


def downgrade() -> None:
    kit.forget_origins(op, "message")
    kit.drop_split_tables(op)
