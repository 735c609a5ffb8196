from pathlib import Path

import pytest

from moat.kit.db.migration_lint import lint

HOUSE = Path(__file__).parents[3]
LATER = """
revision, down_revision = "0002", "0001"

def upgrade():
    op.execute("{}")

def downgrade():
    op.execute("SELECT 1")
"""


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX a ON b (c)",
        "CREATE UNIQUE INDEX a ON b (c)",
        "ALTER TABLE a ALTER COLUMN b TYPE bigint",
        "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
        "ALTER TABLE a ADD COLUMN b text NOT NULL",
        "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (d) REFERENCES e",
        "ALTER TABLE a ADD CONSTRAINT c CHECK (d > 0)",
        "LOCK TABLE a",
    ],
)
def test_a_long_lock_on_a_table_with_rows_is_found(tmp_path, sql):
    (tmp_path / "0002_later.py").write_text(LATER.format(sql))

    (finding,) = lint(tmp_path)

    assert finding.line == 5


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY a ON b (c)",
        "ALTER TABLE a ADD COLUMN b text NOT NULL DEFAULT ''",
        "ALTER TABLE a ADD COLUMN b text",
        "ALTER TABLE a ADD CONSTRAINT c CHECK (d > 0) NOT VALID",
        "CREATE TABLE a (b text)",
        "CREATE TABLE a (b text); CREATE INDEX c ON a (b)",
    ],
)
def test_what_does_not_make_anybody_wait_passes(tmp_path, sql):
    (tmp_path / "0002_later.py").write_text(LATER.format(sql))

    assert lint(tmp_path) == []


def test_a_migration_without_a_way_back_is_found(tmp_path):
    (tmp_path / "0001_first.py").write_text(
        "down_revision = None\n\n\ndef upgrade():\n    op.x()\n\n\ndef downgrade():\n    pass\n"
    )

    assert [finding.what for finding in lint(tmp_path)] == ["downgrade() does nothing; a migration is reversible"]


def test_the_migrations_of_the_house_pass():
    directories = [*HOUSE.glob("services/*/migrations/versions"), HOUSE / "gateway/migrations/versions"]
    assert len(directories) == len(list(HOUSE.glob("services/*-svc"))) + 1

    assert [finding for directory in directories for finding in lint(directory)] == []
