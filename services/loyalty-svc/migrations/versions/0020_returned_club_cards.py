"""What an order paid a club with, so that a piece of it that came back takes its term with it.

Null for what was paid before: such an order is given back as a whole or not at all.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE club_fact ADD COLUMN bought jsonb, ADD COLUMN terms_back integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE club_fact ADD CONSTRAINT club_fact_back CHECK (terms_back BETWEEN 0 AND terms) NOT VALID")
    op.execute("ALTER TABLE club_fact VALIDATE CONSTRAINT club_fact_back")


def downgrade() -> None:
    op.execute("ALTER TABLE club_fact DROP COLUMN terms_back, DROP COLUMN bought")
