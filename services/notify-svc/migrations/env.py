"""Alembic's entry; the environment is the kit's."""

from moat.kit.db.migrations import run_env

run_env()
