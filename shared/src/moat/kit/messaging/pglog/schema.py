"""The tables of the embedded log, in a database of their own, made idempotently."""

from collections.abc import Mapping
from typing import Final

import asyncpg

from moat.kit.messaging.log import PARTITIONS

SCHEMA_LOCK: Final = 7305010
PLACE_LOCK_CLASS: Final = 7305011
CHANNEL: Final = "moat_log"

_DDL: Final = """
CREATE TABLE IF NOT EXISTS place (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL DEFAULT 0,
  first_offset bigint NOT NULL DEFAULT 0,
  retention_ms bigint NOT NULL,
  UNIQUE (topic, partition)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE TABLE IF NOT EXISTS record (
  place_id integer NOT NULL REFERENCES place,
  record_offset bigint NOT NULL,
  key bytea,
  value bytea,
  headers bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (place_id, record_offset)
);
CREATE TABLE IF NOT EXISTS member (
  id uuid PRIMARY KEY,
  group_name text NOT NULL,
  topics text[] NOT NULL,
  alive_until timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS member_group ON member (group_name);
CREATE TABLE IF NOT EXISTS group_place (
  group_name text NOT NULL,
  place_id integer NOT NULL REFERENCES place,
  next_offset bigint NOT NULL DEFAULT 0,
  owner uuid,
  generation bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (group_name, place_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
"""
_TOPICS: Final = """
INSERT INTO place (topic, partition, retention_ms)
SELECT t.topic, p, t.retention_ms
FROM unnest($1::text[], $2::bigint[]) AS t (topic, retention_ms), generate_series(0, $3 - 1) AS p
ORDER BY t.topic, p
ON CONFLICT (topic, partition) DO UPDATE SET retention_ms = excluded.retention_ms
WHERE place.retention_ms <> excluded.retention_ms
"""


async def create(connection: asyncpg.Connection, retention_ms: Mapping[str, int]) -> None:
    """Make what is missing; several processes at once wait for each other."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", SCHEMA_LOCK)
        if await connection.fetchval("SELECT to_regclass('group_place')") is None:
            await connection.execute(_DDL)
        await connection.execute(_TOPICS, list(retention_ms), list(retention_ms.values()), PARTITIONS)
