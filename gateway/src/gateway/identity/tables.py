"""Staff and API keys. No secret is here: Argon2 hashes of passwords, HMAC digests of keys."""

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from gateway.metadata import metadata

ACTIVE_KEYS_PER_NAME_MAX: Final = 2
"""Two, so that a key can be replaced before the old one is revoked."""

staff = Table(
    "staff",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("email", Text, nullable=False, unique=True, comment="lower case"),
    Column("name", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("token_version", Integer, nullable=False, comment="tokens of an older version are worth nothing"),
    Column("version", Integer, nullable=False, comment="ETag"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("email = lower(email)", name="staff_email_lower"),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True, comment="the public part of the key"),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("slot", SmallInteger, comment="1 or 2 while active: at most two of one name"),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("octet_length(secret_digest) = 32", name="api_key_digest_length"),
    CheckConstraint("slot IN (1, 2)", name="api_key_slot_range"),
    CheckConstraint("slot IS NULL OR revoked_at IS NULL", name="api_key_slot_active"),
    Index("api_key_name_slot", "name", "slot", unique=True),
)
