"""One row a customer with a paid order: what his risk is a function of, and whether it has been announced."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, Table, Text, Uuid

from scoring_svc.metadata import metadata

risk: Final = Table(
    "risk",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("orders_count", BigInteger, comment="null, like the next seven, while no order of his is paid"),
    Column("purchase_days", Integer),
    Column("span_days", Integer),
    Column("last_paid_at", DateTime(timezone=True)),
    Column("value_minor", BigInteger),
    Column("value_currency", Text),
    Column("medium_at", DateTime(timezone=True), comment="when the score reaches medium, if nothing is bought"),
    Column("high_at", DateTime(timezone=True), comment="when the score reaches high, if nothing is bought"),
    Column("raised_at", DateTime(timezone=True), comment="the crossing that was announced and not yet cleared"),
)
