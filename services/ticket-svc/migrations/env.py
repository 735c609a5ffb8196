"""Alembic's entry; the environment is the kit's, the same for every service."""

from moat.kit.db.migrations import run_env

run_env()
