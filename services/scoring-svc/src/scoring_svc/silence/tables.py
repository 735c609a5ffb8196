"""What was bought: one row an order; the migration says the same in DDL."""

from typing import Final

from sqlalchemy import BigInteger, Column, Date, DateTime, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from scoring_svc.metadata import metadata

purchase: Final = Table(
    "purchase",
    metadata,
    Column("order_uid", Uuid, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("paid_at", DateTime(timezone=True), comment="null until the payment comes, like the next four"),
    Column("purchase_date", Date, comment="civil day of paid_at in the programme's zone"),
    Column("currency", Text),
    Column("total_minor", BigInteger),
    Column("net_minor", BigInteger, comment="total less refunds in its currency, never below zero"),
    Column("refunds", JSONB, nullable=False, comment="refund id: [currency, amount_minor]"),
)
