"""The Alembic environment of the house."""

from moat.kit.db.migrations import run_env

run_env()
