"""What surprises keep: what each has spent, its draws, who may win in each, what was given, and who had one when.

Everything about the draws of a surprise happens under the lock of its row in `surprise`, so its budget is exact.
`surprise_recipient` has one row a customer over all surprises: taking it, by a conditional update, is why two draws
never give one customer two. Rows of `surprise_entry` name customers as they were called when they were listed and never
change but for the outcome, since they are hashed; what is given is the survivor's.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from loyalty_svc.metadata import metadata

DRAW: Final = "surprises.draw"
"""The timers of draws that are to begin or go on; the key is the draw."""

surprise: Final = Table(
    "surprise",
    metadata,
    Column("gifts", BigInteger, nullable=False, comment="given in all draws"),
    Column("points", BigInteger, nullable=False),
    Column("cost_minor", BigInteger, nullable=False, comment="as the budgets of its versions reckon"),
    Column("code", Text(collation="C"), primary_key=True),
    CheckConstraint("gifts >= 0 AND points >= 0 AND cost_minor >= 0", name="surprise_counts"),
)

surprise_draw: Final = Table(
    "surprise_draw",
    metadata,
    Column("id", Uuid, primary_key=True, comment="recorded with the commitment"),
    Column("committed_at", DateTime(timezone=True), nullable=False),
    Column("draws_at", DateTime(timezone=True), comment="when it begins by itself; null: when staff say"),
    Column("started_at", DateTime(timezone=True)),
    Column("drawn_at", DateTime(timezone=True), comment="when everybody who may win was listed: the seed is told"),
    Column("finished_at", DateTime(timezone=True)),
    Column("counted_to", Uuid, comment="the last customer that was looked at"),
    Column("customers", BigInteger, nullable=False, comment="looked at"),
    Column("eligible", BigInteger, nullable=False),
    Column("judged", BigInteger, nullable=False, comment="so many of the first have an outcome"),
    Column("given", BigInteger, nullable=False),
    Column("winners", Integer, comment="so many at most; with the version"),
    Column("version", Integer, comment="of the surprise, when it began"),
    Column("code", Text(collation="C"), nullable=False),
    Column("state", Text(collation="C"), nullable=False),
    Column("commitment", Text, nullable=False, comment="SHA-256 of the seed"),
    Column("seed", LargeBinary, nullable=False, comment="told to nobody before it is drawn"),
    Column("judged_to", LargeBinary, comment="the digest of the last with an outcome"),
    Column("eligible_hash", Text),
    Column("ended_by", Text(collation="C")),
    Column("started_by", Text),
    CheckConstraint("state IN ('committed', 'counting', 'giving', 'finished')", name="surprise_draw_state"),
    CheckConstraint("given <= judged AND judged <= eligible AND eligible <= customers", name="surprise_draw_counts"),
    CheckConstraint(
        "(state = 'finished') = (finished_at IS NOT NULL) AND (state = 'finished') = (ended_by IS NOT NULL)",
        name="surprise_draw_finished",
    ),
    CheckConstraint(
        "(state IN ('counting', 'giving')) <= (started_at IS NOT NULL AND version IS NOT NULL)",
        name="surprise_draw_started",
    ),
    Index("surprise_draw_of", "code", "id"),
    Index("surprise_draw_committed", "code", unique=True, postgresql_where=text("state = 'committed'")),
    Index("surprise_draw_running", "code", unique=True, postgresql_where=text("state IN ('counting', 'giving')")),
)

surprise_entry: Final = Table(
    "surprise_entry",
    metadata,
    Column("draw_id", Uuid, primary_key=True),
    Column("entry_id", Uuid, primary_key=True, comment="the customer, as he was called when he was listed"),
    Column("outcome", Text(collation="C"), comment="null: not reached"),
    Column("digest", LargeBinary, nullable=False),
    CheckConstraint("outcome IN ('given', 'recent')", name="surprise_entry_outcome"),
    Index("surprise_entry_rank", "draw_id", "digest", unique=True),
)

surprise_gift: Final = Table(
    "surprise_gift",
    metadata,
    Column("id", Uuid, primary_key=True, comment="made of draw and entry; the cause of the posting"),
    Column("customer_id", Uuid, nullable=False),
    Column("origin_id", Uuid, comment="whose it was before merges moved it"),
    Column("draw_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("points", BigInteger),
    Column("code_id", Uuid, comment="of the coupon's code"),
    Column("surprise", Text(collation="C"), nullable=False),
    Column("rule", Text, nullable=False, comment="<code>@<version>"),
    Column("account_type", Text),
    Column("coupon", Text),
    CheckConstraint("(points IS NULL) = (account_type IS NULL) AND points > 0", name="surprise_gift_points"),
    CheckConstraint("points IS NOT NULL OR coupon IS NOT NULL", name="surprise_gift_something"),
    Index("surprise_gift_of_customer", "customer_id", "id"),
    Index("surprise_gift_of_draw", "draw_id", "id"),
)

surprise_recipient: Final = Table(
    "surprise_recipient",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("last_at", DateTime(timezone=True), nullable=False, comment="when he had his last surprise"),
    Column("quiet_until", DateTime(timezone=True), nullable=False, comment="that one lets no other come before"),
)
