"""Merges are found by whom they made one with. Alone, as it commits by itself: cut off, it is done again."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX IF EXISTS merge_into")
        op.execute("CREATE INDEX CONCURRENTLY merge_into ON merge (into_id)")


def downgrade() -> None:
    op.execute("DROP INDEX merge_into")
