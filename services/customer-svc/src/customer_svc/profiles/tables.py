"""One file a customer."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from customer_svc.metadata import metadata

profile: Final = Table(
    "profile",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("name", Text),
    Column("gender", Text),
    Column("birthday", Text, comment="YYYY-MM-DD in its calendar"),
    Column("birthday_calendar", Text, comment="solar or lunar; null is solar"),
    Column("locale", Text),
    Column("zone", Text, comment="IANA name"),
    Column("emails", ARRAY(Text), nullable=False),
    Column("phones", ARRAY(Text), nullable=False, comment="E.164"),
    Column("owner_id", Text, comment="staff; not for the customer's own eyes"),
    Column("stamps", JSONB, nullable=False, comment="field → the fact that wrote it last"),
    Column("folded_name", Text, nullable=False, comment="as names are compared"),
    Column("grams", ARRAY(Text), nullable=False, comment="what it is found by"),
    Column("first_seen_at", DateTime(timezone=True), nullable=False),
    Column("orders_count", BigInteger, nullable=False, comment="paid ones, refunded or not"),
    Column("spent", JSONB, nullable=False, comment="currency → minor units, less refunds"),
    Column("first_order_at", DateTime(timezone=True)),
    Column("last_order_at", DateTime(timezone=True)),
    Column("version", BigInteger, nullable=False, comment="of what can be edited; figures do not move it"),
)
Index("profile_grams", profile.c.grams, postgresql_using="gin")
