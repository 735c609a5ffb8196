"""PostgreSQL: the engine, the one visible transaction, roles, migrations."""
