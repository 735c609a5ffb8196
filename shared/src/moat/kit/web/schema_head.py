"""The migration that this code expects its database to be at."""

from functools import cache

from alembic.script import ScriptDirectory


@cache
def head_of(package: str | None) -> str | None:
    """The newest revision in the package's migrations directory; None for a package that has none."""
    from moat.kit.db.migrations import configuration

    if package is None:
        return None
    try:
        return ScriptDirectory.from_config(configuration("", package)).get_current_head()
    except (FileNotFoundError, ModuleNotFoundError):
        return None
