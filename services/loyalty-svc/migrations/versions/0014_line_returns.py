"""What each line of an order earned, so that a refund that names lines takes back what those earned.

Null for every order that no rule per line gave anything for, those that were paid before among them: what is taken back
of these stays in proportion. What a refund says of lines is in `refunds`.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE order_earning ADD COLUMN by_line jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE order_earning DROP COLUMN by_line")
