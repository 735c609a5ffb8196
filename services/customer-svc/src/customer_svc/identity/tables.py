"""Outside identifiers, and what is kept of merges. Customers themselves are the rows of `known_customer` (the kit's).

In this service `known_customer` holds the living only: its row is the lock of a customer, and the row of one who was
merged away is deleted by the merge, after which `customer_alias` says who he has become.
"""

from typing import Final

from sqlalchemy import Boolean, Column, DateTime, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from customer_svc.metadata import metadata

identifier: Final = Table(
    "identifier",
    metadata,
    # The value first, so that a search by value alone is served too.
    Column("value", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("system", Text, primary_key=True, comment="empty for kinds that are one space over all systems"),
    Column("customer_id", Uuid, nullable=False),
    Column("strong", Boolean, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("added_at", DateTime(timezone=True), nullable=False),
)
Index("identifier_of_customer", identifier.c.customer_id)
Index(
    "identifier_one_strong",
    identifier.c.customer_id,
    identifier.c.system,
    identifier.c.kind,
    unique=True,
    postgresql_where=identifier.c.strong,
)

merge: Final = Table(
    "merge",
    metadata,
    Column("from_id", Uuid, primary_key=True),
    Column("into_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("source", Text, nullable=False, comment="of the fact that joined them"),
    Column("event_id", Text, nullable=False),
    Column(
        "before", JSONB, nullable=False, comment="what was the merged one's, and the survivor's: a split gives it back"
    ),
    Column("merge_id", Uuid, comment="the event that told of it; null for merges from before splits"),
    Index("merge_into", "into_id"),
)

kept_apart: Final = Table(
    "kept_apart",
    metadata,
    Column("first_id", Uuid, primary_key=True, comment="the smaller of two whom staff have parted"),
    Column("second_id", Uuid, primary_key=True),
    Index("kept_apart_second", "second_id"),
)

merge_proposal: Final = Table(
    "merge_proposal",
    metadata,
    Column("first_id", Uuid, primary_key=True),
    Column("second_id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
)
