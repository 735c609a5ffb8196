"""Lots know after how many days without an award they end; members read whole statements of account; debts are sought.

Whether an award keeps others alive followed from the account type's last version; an award of a version or a rule with
another expiry was moved along, too. Of lots from before, what their rule said is not known any more. Indexes are made
beside the work that goes on, so this commits before its end: cut off, it is done again.
"""

from alembic import op

from moat.kit.db import migrations as kit

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# The version that was valid when a lot was earned; before the first, that one. Types without inactivity are left alone.
MARK = """
UPDATE lot l SET idle_days = (
  SELECT CASE WHEN d.document #>> '{expiry,kind}' = 'inactivity' THEN CAST(d.document #>> '{expiry,days}' AS integer)
              ELSE 0 END
  FROM document d CROSS JOIN LATERAL (SELECT coalesce(d.valid_from <= l.earned_at, true)) AS v (has_begun)
  WHERE d.kind = 'account_type' AND d.code = l.account_type AND d.status IN ('published', 'retired')
  ORDER BY v.has_begun DESC, CASE WHEN v.has_begun THEN d.valid_from END DESC NULLS LAST, d.valid_from, d.version DESC
  LIMIT 1)
WHERE l.account_type IN (
  SELECT code FROM document WHERE kind = 'account_type' AND status IN ('published', 'retired')
  AND document #>> '{expiry,kind}' = 'inactivity');
"""
# Who owed when a version was published that writes debts off goes on owing; later ones set this timer themselves.
WRITE_OFF = """
INSERT INTO timer (kind, key, due_at, payload)
SELECT 'points.write_off_debts', code || '@' || version, greatest(now(), valid_from), '{}' FROM document
WHERE kind = 'account_type' AND status = 'published' AND document ->> 'debt' = 'write_off'
  AND document -> 'spendable' = 'true'
ON CONFLICT (kind, key) DO NOTHING;
"""


# His are the rows of those who became him, too, and what he lost to another.
MINE = "nullif(current_setting('moat.customer_id', true), '')::uuid"
BECAME_ME = f"SELECT from_id FROM customer_alias WHERE to_id = {MINE}"  # noqa: S608
FAMILY = f"customer_id = {MINE} OR customer_id IN ({BECAME_ME})"
LOST = f"other_id = {MINE} OR other_id IN ({BECAME_ME})"
STATEMENTS = f"""
ALTER POLICY entry_customer ON entry USING ({FAMILY} OR {LOST});
ALTER POLICY posting_customer ON posting USING (
  {FAMILY} OR kind = 'transferred' AND EXISTS (SELECT FROM entry e WHERE e.posting_id = posting.id AND ({LOST})));
"""
OWN_ROWS = f"""
ALTER POLICY entry_customer ON entry USING (customer_id = {MINE});
ALTER POLICY posting_customer ON posting USING (customer_id = {MINE});
"""


def upgrade() -> None:
    op.execute("ALTER TABLE lot ADD COLUMN IF NOT EXISTS idle_days integer")
    kit.run_script(op, MARK)
    kit.run_script(op, WRITE_OFF)
    kit.run_script(op, STATEMENTS)
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX IF EXISTS lot_kept_by_activity")
        op.execute(
            "CREATE INDEX CONCURRENTLY lot_kept_by_activity ON lot (customer_id, account_type, earned_at)"
            " WHERE idle_days IS NOT NULL"
        )
        op.execute("DROP INDEX IF EXISTS entry_of_loser")
        op.execute(
            "CREATE INDEX CONCURRENTLY entry_of_loser ON entry (other_id, posting_id) WHERE other_id IS NOT NULL"
        )


def downgrade() -> None:
    op.execute("DELETE FROM timer WHERE kind = 'points.write_off_debts'")
    op.execute("DROP INDEX entry_of_loser")
    op.execute("DROP INDEX lot_kept_by_activity")
    kit.run_script(op, OWN_ROWS)
    op.execute("ALTER TABLE lot DROP COLUMN idle_days")
