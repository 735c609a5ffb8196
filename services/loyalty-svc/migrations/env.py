"""Alembic's environment is the kit's; the address comes from `--role migrate` or `-x url=…`."""

from moat.kit.db.migrations import run_env

run_env()
