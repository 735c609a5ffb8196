"""How much a customer depends on discounts. It needs no table: it follows from his orders and his uses of coupons."""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing."""


def downgrade() -> None:
    """Nothing."""
