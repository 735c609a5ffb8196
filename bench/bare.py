"""The baseline: the least that a consumer can do and be right. Bare aiokafka, bare asyncpg, one file.

Inbox, ledger entries and balances, in batches (or one transaction per event); no contracts, no conditions, no tiers, no
events of its own, no dead letters. `python -m bench.bare KAFKA POSTGRES COUNT BATCH` prints the seconds from the first
batch to the last commit.
"""

import json
import sys
import time
from uuid import UUID

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer

TABLES = """
DROP TABLE IF EXISTS bare_inbox, bare_entry, bare_balance;
CREATE TABLE bare_inbox (source text, event_id text, PRIMARY KEY (source, event_id));
CREATE TABLE bare_entry (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id uuid, event_id text, amount bigint
);
CREATE TABLE bare_balance (customer_id uuid PRIMARY KEY, points bigint NOT NULL);
"""
INBOX = """
INSERT INTO bare_inbox SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING RETURNING event_id
"""
ENTRIES = (
    "INSERT INTO bare_entry (customer_id, event_id, amount) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])"
)
BALANCES = """
INSERT INTO bare_balance SELECT * FROM unnest($1::uuid[], $2::bigint[])
ON CONFLICT (customer_id) DO UPDATE SET points = bare_balance.points + excluded.points
"""


async def take(connection, records):
    sources = [dict(record.headers)["ce_source"].decode() for record in records]
    ids = [dict(record.headers)["ce_id"].decode() for record in records]
    async with connection.transaction():
        new = {row[0] for row in await connection.fetch(INBOX, sources, ids)}
        customers, points, balances = [], [], {}
        for record, id_ in zip(records, ids, strict=True):
            if id_ in new:
                customer, earned = UUID(record.key.decode()), json.loads(record.value)["total_minor"] // 100
                customers.append(customer)
                points.append(earned)
                balances[customer] = balances.get(customer, 0) + earned
        await connection.execute(ENTRIES, customers, [id_ for id_ in ids if id_ in new], points)
        ordered = sorted(balances)
        await connection.execute(BALANCES, ordered, [balances[customer] for customer in ordered])


async def main(bootstrap, url, count, batch):
    connection = await asyncpg.connect(url)
    await connection.execute(TABLES)
    consumer = AIOKafkaConsumer(
        "moat.orders",
        bootstrap_servers=bootstrap,
        group_id=f"bare-{time.time_ns()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    done, began = 0, None
    while done < count:
        found = await consumer.getmany(timeout_ms=500, max_records=batch)
        records = [record for place in found.values() for record in place][: count - done]
        if not records:
            continue
        began = began or time.monotonic()
        for start in range(0, len(records), batch):
            await take(connection, records[start : start + batch])
        await consumer.commit()
        done += len(records)
    print(time.monotonic() - began)
    await consumer.stop()
    await connection.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
