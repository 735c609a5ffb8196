"""The invariants of the ledger, recomputed from its rows; each is one statement, so each judges one snapshot.

Names are those of the reliability design: L1 sums, L2 balances, L3 the floor, L4 once for each cause, L5 lots, L6 and
L7 holds, L8 nothing was changed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from loyalty_svc.accounts.usecases import account_types
from moat.kit.db.transaction import Transaction

EXAMPLES_MAX: Final = 5
AT_LAST: Final = datetime.max.replace(tzinfo=UTC)
WRITING_OFF: Final = "points.write_off_debts"
"""The timers of versions of account types by which debts from before are written off."""
TIMEOUT: Final = "50s"
"""Of each statement; the audit reads every row."""

# Every posting sums to zero in each account type (an entry is both of its sides, so it does unless the view lies), and
# postings and entries belong together.
_L1: Final = """
WITH sums AS (SELECT posting_id, account_type, sum(amount) AS amount FROM leg GROUP BY posting_id, account_type),
broken AS (
  SELECT posting_id AS id, account_type || ' sums to ' || amount AS what FROM sums WHERE amount <> 0
  UNION ALL
  SELECT coalesce(p.id, s.posting_id), CASE WHEN p.id IS NULL THEN 'entries without a posting' ELSE 'no entries' END
  FROM posting p FULL JOIN (SELECT DISTINCT posting_id FROM sums) s ON s.posting_id = p.id
  WHERE p.id IS NULL OR s.posting_id IS NULL)
"""
# A balance is the sum of its legs. Lifetime totals are those of whom the postings belong to; they move with merges, so
# they are compared over all the customers who became one.
_L2: Final = """
WITH moved AS (
  SELECT customer_id, account_type AS type, sum(amount) AS amount FROM leg WHERE customer_id IS NOT NULL GROUP BY 1, 2),
posted AS (
  SELECT p.owner_id AS customer_id, e.account_type AS type,
         coalesce(sum(e.amount) FILTER (WHERE p.kind = 'earned'), 0) AS earned,
         coalesce(-sum(e.amount) FILTER (WHERE p.kind = 'reversed'), 0) AS reversed,
         coalesce(-sum(e.amount) FILTER (WHERE p.kind = 'spent'), 0) AS spent,
         coalesce(-sum(e.amount) FILTER (WHERE p.kind = 'expired'), 0) AS expired
  FROM owned_posting p JOIN entry e ON e.posting_id = p.id GROUP BY 1, 2),
both_sides AS (
  SELECT customer_id, type,
         coalesce(a.earned_total, 0) - coalesce(m.earned, 0) AS earned,
         coalesce(a.reversed_total, 0) - coalesce(m.reversed, 0) AS reversed,
         coalesce(a.spent_total, 0) - coalesce(m.spent, 0) AS spent,
         coalesce(a.expired_total, 0) - coalesce(m.expired, 0) AS expired
  FROM account a FULL JOIN posted m USING (customer_id, type)),
broken AS (
  SELECT customer_id AS id, type || ' holds ' || coalesce(a.available + a.pending + a.reserved, 0)
         || ', entries sum to ' || coalesce(m.amount, 0) AS what
  FROM account a FULL JOIN moved m USING (customer_id, type)
  WHERE coalesce(a.available + a.pending + a.reserved, 0) <> coalesce(m.amount, 0)
  UNION ALL
  SELECT coalesce(s.to_id, b.customer_id), type || ' totals are off by ' || sum(earned) || ' earned, ' || sum(reversed)
         || ' reversed, ' || sum(spent) || ' spent, ' || sum(expired) || ' expired'
  FROM both_sides b LEFT JOIN customer_alias s ON s.from_id = b.customer_id
  GROUP BY coalesce(s.to_id, b.customer_id), type
  HAVING sum(earned) <> 0 OR sum(reversed) <> 0 OR sum(spent) <> 0 OR sum(expired) <> 0)
"""
_L4: Final = """
WITH broken AS (
  SELECT cause_id AS id, count(*) || ' postings ' || kind || ' because of ' || min(reason) AS what
  FROM posting GROUP BY cause_id, kind, cause_part HAVING count(*) > 1)
"""
# Nothing pending or reserved is negative, and nobody owes more than was taken back from him, or from those with whom he
# was one while he owed it: a split leaves debts with him. Where debts are written off nobody owes anything,
# once those from before have been written off.
_L3: Final = """
WITH parted AS (
  SELECT coalesce(s.to_id, c.survivor_id) AS customer_id, a.type, sum(a.reversed_total) AS reversed_total
  FROM customer_split c LEFT JOIN customer_alias s ON s.from_id = c.survivor_id
  LEFT JOIN customer_alias f ON f.from_id = c.from_id JOIN account a ON a.customer_id = coalesce(f.to_id, c.from_id)
  GROUP BY 1, 2),
broken AS (
  SELECT customer_id AS id, type || ' has ' || available || ' available, ' || pending || ' pending, ' || reserved
         || ' reserved' AS what
  FROM account a LEFT JOIN parted o USING (customer_id, type)
  WHERE pending < 0 OR reserved < 0
     OR available + reserved < CASE
          WHEN type = ANY(CAST(:written_off AS text[]))
           AND type <> ALL(ARRAY(SELECT split_part(key, '@', 1) FROM timer WHERE :writing_off = kind)) THEN 0
          ELSE -a.reversed_total - coalesce(o.reversed_total, 0) END)
"""
# What is left in the lots of an account that can be spent from is what it holds.
_L5: Final = """
WITH kept AS (
  SELECT customer_id, account_type AS type, sum(remaining) FILTER (WHERE is_pending) AS pending,
         sum(remaining) FILTER (WHERE NOT is_pending) AS free
  FROM lot GROUP BY 1, 2),
broken AS (
  SELECT customer_id AS id, type || ' holds ' || coalesce(a.available + a.reserved, 0) || ' and ' ||
         coalesce(a.pending, 0) || ' pending, its lots ' || coalesce(k.free, 0) || ' and ' || coalesce(k.pending, 0)
         AS what
  FROM (SELECT * FROM account WHERE type = ANY(CAST(:spendable AS text[]))) a FULL JOIN kept k USING (customer_id, type)
  WHERE coalesce(k.free, 0) <> greatest(0, coalesce(a.available + a.reserved, 0))
     OR coalesce(k.pending, 0) <> coalesce(a.pending, 0))
"""
# What is reserved is held by holds, none of which is overdue.
_L6: Final = """
WITH held AS (
  SELECT customer_id, account_type AS type, sum(amount) AS amount FROM hold WHERE status = 'held' GROUP BY 1, 2),
broken AS (
  SELECT customer_id AS id, type || ' has ' || coalesce(a.reserved, 0) || ' reserved, its holds '
         || coalesce(h.amount, 0) AS what
  FROM account a FULL JOIN held h USING (customer_id, type) WHERE coalesce(a.reserved, 0) <> coalesce(h.amount, 0)
  UNION ALL
  SELECT id, 'held until ' || until || ' and still open' FROM hold
  WHERE status = 'held' AND until < CAST(:overdue AS timestamptz))
"""
# No more was confirmed than was held, and as much was spent.
_L7: Final = """
WITH broken AS (
  SELECT h.id, h.confirmed || ' of ' || h.amount || ' confirmed, ' || coalesce(-e.amount, 0) || ' spent' AS what
  FROM hold h LEFT JOIN entry e ON e.posting_id = h.posting_id AND e.account_type = h.account_type
  WHERE h.confirmed > h.amount OR h.confirmed <> coalesce(-e.amount, 0))
"""
# Every row still has the checksum it was written with, and the triggers that refuse changes are there and on.
_L8: Final = """
WITH guards (name) AS (VALUES ('posting_grows_only'), ('entry_grows_only')),
broken AS (
  SELECT id, 'this ' || kind || ' posting is not what was written' AS what FROM posting
  WHERE seal <> posting_seal(id, customer_id, at, cause_id, kind, cause_part)
  UNION ALL
  SELECT posting_id, 'the entry in ' || account_type || ' is not what was written' FROM entry
  WHERE seal <> entry_seal(posting_id, customer_id, account_type, amount, balance_after)
  UNION ALL
  SELECT NULL, 'the trigger ' || name || ' is missing or off' FROM guards
  WHERE NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgname = name AND t.tgenabled IN ('O', 'A')))
"""
_VERDICT: Final = """
SELECT count(*) AS times,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'what', what)), '[]')
        FROM (SELECT id, what FROM broken ORDER BY id LIMIT :examples_max) AS first_few) AS examples
FROM broken
"""
INVARIANTS: Final = {
    f"L{number}": sql + _VERDICT for number, sql in enumerate((_L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8), 1)
}
OVERDUE_AFTER: Final = timedelta(minutes=5)
"""A hold whose time is over may wait so long for its timer."""

_COUNTS: Final = """
SELECT (SELECT count(*) FROM account) AS accounts, (SELECT count(*) FROM posting) AS postings,
       (SELECT count(*) FROM leg) AS entries
"""
_TOTALS: Final = """
WITH moved AS (
  SELECT e.account_type AS type, p.kind, sum(e.amount) AS amount
  FROM leg e JOIN posting p ON p.id = e.posting_id WHERE e.customer_id IS NOT NULL GROUP BY 1, 2),
held AS (
  SELECT type, sum(available) AS available, sum(pending) AS pending, sum(reserved) AS reserved FROM account GROUP BY 1)
SELECT h.type,
       coalesce(sum(m.amount) FILTER (WHERE m.kind = 'earned'), 0)::bigint AS earned,
       coalesce(-sum(m.amount) FILTER (WHERE m.kind = 'reversed'), 0)::bigint AS reversed,
       coalesce(-sum(m.amount) FILTER (WHERE m.kind = 'spent'), 0)::bigint AS spent,
       coalesce(-sum(m.amount) FILTER (WHERE m.kind = 'expired'), 0)::bigint AS expired,
       coalesce(sum(m.amount) FILTER (WHERE m.kind = 'adjusted'), 0)::bigint AS adjusted,
       h.available::bigint, h.pending::bigint, h.reserved::bigint
FROM held h LEFT JOIN moved m USING (type) GROUP BY h.type, h.available, h.pending, h.reserved
"""


class Violation(NamedTuple):
    """One invariant that does not hold: how often, with the first few places."""

    invariant: str
    times: int
    examples: Sequence[dict[str, Any]]


class Audit(NamedTuple):
    """The ledger as it is now; `totals` by account type."""

    accounts: int
    postings: int
    entries: int
    violations: Sequence[Violation]
    totals: dict[str, dict[str, int]]


async def audit(tx: Transaction, *, now: datetime | None = None) -> Audit:
    """Recompute everything; without `now` no hold is overdue."""
    types = await account_types(tx)
    spendable = types.spendable_codes()
    facts: dict[str, object] = {
        "spendable": spendable,
        "written_off": [code for code in spendable if types.at(code, now or AT_LAST).debt == "write_off"],
        "writing_off": WRITING_OFF,
        "overdue": now - OVERDUE_AFTER if now else None,
    }
    await tx.execute(f"SET LOCAL statement_timeout = '{TIMEOUT}'")
    violations = []
    for invariant, sql in INVARIANTS.items():
        bound = {name: value for name, value in facts.items() if f":{name} " in sql}
        verdict = await tx.one(sql, examples_max=EXAMPLES_MAX, **bound)
        if verdict.times:
            violations.append(Violation(invariant, verdict.times, verdict.examples))
    counts = await tx.one(_COUNTS)
    totals = {
        row.type: {name: value for name, value in row._mapping.items() if name != "type"}
        for row in await tx.all(_TOTALS)
    }
    return Audit(counts.accounts, counts.postings, counts.entries, violations, totals)
