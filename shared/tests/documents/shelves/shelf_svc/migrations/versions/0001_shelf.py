"""Mugs, and what the kit needs."""

from alembic import op

from moat.kit.db import migrations as kit
from moat.kit.documents import create_document_table, drop_document_table, insert_first, remove_kind

revision = "0001"
down_revision = None


def upgrade() -> None:
    kit.create_kit_tables(op, service="shelf", customers=False)
    create_document_table(op, service="shelf")
    op.execute("CREATE TABLE sold (mug text NOT NULL, price integer NOT NULL)")
    kit.grant(op, service="shelf", tables=["sold"])
    insert_first(op, "mug", "plain", {"names": {"zh-CN": "素杯", "en": "Plain mug"}, "price": 10})
    insert_first(op, "spoon", "tea", {"price": 3})


def downgrade() -> None:
    remove_kind(op, "spoon")
    op.drop_table("sold")
    drop_document_table(op)
    kit.drop_kit_tables(op, customers=False)
