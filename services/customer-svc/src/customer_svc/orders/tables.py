"""One row an order."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from customer_svc.metadata import metadata

customer_order: Final = Table(
    "customer_order",
    metadata,
    Column("order_uid", Uuid, primary_key=True, comment="UUIDv5 of source and order_id"),
    Column("customer_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, comment="paid, else placed, else the first known"),
    Column("status", Text, nullable=False),
    Column("currency", Text),
    Column("total_minor", BigInteger),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("channel", Text),
    Column("placed_at", DateTime(timezone=True)),
    Column("paid_at", DateTime(timezone=True)),
    Column("shipped_at", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
    Column("delayed_at", DateTime(timezone=True)),
    Column("promised_at", DateTime(timezone=True)),
    Column("cancelled_at", DateTime(timezone=True)),
    Column("refunds", JSONB, nullable=False, comment="refund id → [currency, amount_minor, at]"),
    Column("named_by", Text, comment="the fact that says whose it is, while no payment does"),
)
Index("order_of_customer", customer_order.c.customer_id, customer_order.c.at.desc(), customer_order.c.order_uid.desc())
