"""Splits: what undoes a merge; tickets that a merge moves say whose they were."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kit.create_split_tables(op, service="ticket")
    kit.keep_origins(op, "ticket")


def downgrade() -> None:
    kit.forget_origins(op, "ticket")
    kit.drop_split_tables(op)
