"""The gateway's identity: staff, API keys, and the kit's tables for guards and audit."""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE staff (
  id uuid PRIMARY KEY,
  email text NOT NULL UNIQUE,
  name text NOT NULL,
  roles text[] NOT NULL,
  password_hash text NOT NULL,
  is_active boolean NOT NULL,
  token_version integer NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT staff_email_lower CHECK (email = lower(email))
);
CREATE TABLE api_key (
  id text PRIMARY KEY,
  name text NOT NULL,
  scopes text[] NOT NULL,
  secret_digest bytea NOT NULL,
  slot smallint,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz,
  CONSTRAINT api_key_digest_length CHECK (octet_length(secret_digest) = 32),
  CONSTRAINT api_key_slot_range CHECK (slot IN (1, 2)),
  CONSTRAINT api_key_slot_active CHECK (slot IS NULL OR revoked_at IS NULL)
);
CREATE UNIQUE INDEX api_key_name_slot ON api_key (name, slot);
"""


def upgrade() -> None:
    kit.create_kit_tables(op, service="gateway", customers=False)
    kit.run_script(op, _TABLES)
    # Nothing here is ever deleted: people are deactivated, keys revoked.
    kit.grant(op, service="gateway", tables=["staff", "api_key"], rights="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("api_key")
    op.drop_table("staff")
    kit.drop_kit_tables(op, customers=False)
