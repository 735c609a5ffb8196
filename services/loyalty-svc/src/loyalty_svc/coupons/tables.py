"""What coupons keep.

A code belongs to a pool, a pool to one version of a coupon; a code that was issued to a customer is his alone. `uses`
count reservations and redemptions that stand; they change under the row's lock or conditionally, so a limit holds
whoever is quicker. That a code has expired is read from its instant; nothing sweeps a million rows to say so.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from loyalty_svc.metadata import metadata

MAKE: Final = "coupons.make"
"""Timer: the next slice of a pool; the key is the pool's id."""

coupon_pool = Table(
    "coupon_pool",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("ready_at", DateTime(timezone=True)),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("wanted", BigInteger, nullable=False, comment="codes to make; they grow with an import and with each issue"),
    Column("made", BigInteger, nullable=False),
    Column("uses", BigInteger, nullable=False, comment="that stand, kept only where the coupon limits a pool"),
    Column("version", Integer, nullable=False, comment="of the coupon"),
    Column("coupon", Text(collation="C"), nullable=False),
    Column("kind", Text(collation="C"), nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", Text(collation="C"), nullable=False),
    Column("author", Text, nullable=False),
    CheckConstraint("kind IN ('generated', 'imported', 'public', 'personal')", name="coupon_pool_kind"),
    CheckConstraint("made BETWEEN 0 AND wanted AND uses >= 0", name="coupon_pool_counts"),
    CheckConstraint("(ready_at IS NULL) = (made < wanted)", name="coupon_pool_ready"),
    Index("coupon_pool_personal", "coupon", "version", unique=True, postgresql_where=text("kind = 'personal'")),
)

coupon_code = Table(
    "coupon_code",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("pool_id", Uuid, nullable=False),
    Column("customer_id", Uuid, comment="whose it is alone; null for whoever has it"),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("issued_at", DateTime(timezone=True), comment="when it was given to its customer"),
    Column("expires_at", DateTime(timezone=True)),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("uses", Integer, nullable=False),
    Column("code", Text(collation="C"), nullable=False, comment="in its one form: capitals and digits"),
    Column("issue_key", Text(collation="C"), comment="what it was issued for; the same asks once"),
    CheckConstraint("uses >= 0", name="coupon_code_uses"),
    CheckConstraint("(customer_id IS NULL) = (issued_at IS NULL)", name="coupon_code_issued"),
    Index("coupon_code_once", "code", unique=True),
    Index("coupon_code_issue", "issue_key", unique=True, postgresql_where=text("issue_key IS NOT NULL")),
    Index("coupon_code_of_customer", "customer_id", "id", postgresql_where=text("customer_id IS NOT NULL")),
    Index("coupon_code_of_pool", "pool_id", "id"),
    Index("coupon_code_free", "pool_id", "id", postgresql_where=text("customer_id IS NULL")),
)
