"""Documents in versions (`moat.kit.documents`)."""

from alembic import op

from moat.kit.documents import create_document_table, drop_document_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_document_table(op, service="loyalty")


def downgrade() -> None:
    drop_document_table(op)
