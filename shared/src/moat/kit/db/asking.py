"""Statements straight to the driver: SQLAlchemy keeps the pool and lends rows and errors, asyncpg does the rest.

A command is a dozen short statements, and for a short one SQLAlchemy's own way (a compiled text, an execution context,
a cursor, two greenlets) costs more than the driver and the server together.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import asyncpg
from asyncpg.pgproto import pgproto
from sqlalchemy import Row
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound

# As SQLAlchemy's `text()` reads them: neither `::` nor what follows a word or a backslash is a name.
_NAMED: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_ESCAPED: Final = re.compile(r"\\(:\w*)")
_Dialect: Final[Any] = PGDialect_asyncpg
_DIALECT: Final = _Dialect(dbapi=_Dialect.import_dbapi())
# Of each instant that it writes the driver asks whether it is one of PostgreSQL's infinities. Its own are naive, and to
# compare one of those with an aware instant takes as long as all the rest of writing it.
pgproto.infinity_datetime = datetime.max.replace(tzinfo=UTC)  # type: ignore[attr-defined]
pgproto.negative_infinity_datetime = datetime.min.replace(tzinfo=UTC)  # type: ignore[attr-defined]


@lru_cache(maxsize=2048)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """The statement as the server reads it, and the names of `$1`, `$2`, …; texts are constants, so all find room."""
    places: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${places.setdefault(found[1], len(places) + 1)}"

    return _ESCAPED.sub(r"\1", _NAMED.sub(number, sql)), tuple(places)


@lru_cache(maxsize=2048)
def _named(columns: tuple[str, ...]) -> SimpleResultMetaData:
    return SimpleResultMetaData(columns)


class Answer:
    """What a statement came to: its rows, all there already, and how many it found or changed."""

    __slots__ = ("_records", "_status")

    def __init__(self, records: Sequence[asyncpg.Record], status: str) -> None:
        self._records = records
        self._status = status

    @property
    def records(self) -> Sequence[asyncpg.Record]:
        """Every row as the driver made it: for thousands of them, whose columns a loop takes apart by their places."""
        return self._records

    @property
    def rowcount(self) -> int:
        """Rows found, inserted, updated or deleted; -1 where a statement has no such number."""
        number = self._status.rpartition(" ")[2]
        return int(number) if number.isdigit() else -1

    def all(self) -> list[Row[Any]]:
        """Every row."""
        records = self._records
        if not records:
            return []
        names = _named(tuple(records[0].keys()))
        index = names._key_to_index
        return [Row(names, None, index, tuple(record.values())) for record in records]

    def one(self) -> Row[Any]:
        """The only row. Raises NoResultFound or MultipleResultsFound."""
        if len(self._records) > 1:
            raise MultipleResultsFound("Multiple rows were found when exactly one was required")
        row = self.first()
        if row is None:
            raise NoResultFound("No row was found when one was required")
        return row

    def first(self) -> Row[Any] | None:
        """The first row or None."""
        if not self._records:
            return None
        record = self._records[0]
        names = _named(tuple(record.keys()))
        return Row(names, None, names._key_to_index, tuple(record.values()))

    def scalar(self) -> Any:
        """The first column of the first row, or None."""
        return self._records[0][0] if self._records else None

    def scalars(self) -> list[Any]:
        """The first column of every row."""
        return [record[0] for record in self._records]


class Flat:
    """A list as the driver reads it twice: once for lists within it, which ours never hold, once for its elements.

    The first look asks each element whether it is iterable, and takes longer than writing it does.
    """

    __slots__ = ("_elements", "_is_looked_at")

    def __init__(self, elements: Sequence[object]) -> None:
        self._elements = elements
        self._is_looked_at = False

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[object]:
        if self._is_looked_at:
            return iter(self._elements)
        self._is_looked_at = True
        return iter(())


async def ask(driver: "asyncpg.Connection[Any]", sql: str, values: Mapping[str, object]) -> Answer:
    """Run one statement with bound values; a list is an array of one dimension.

    Raises DBAPIError as SQLAlchemy would, without the values.
    """
    text, names = numbered(sql)
    try:
        # What `fetch` and `execute` are made of, and the only way to have both rows and status.
        records, status, _ = await driver._execute(  # type: ignore[attr-defined]
            text, [_bound(values[name]) for name in names], 0, None, return_status=True
        )
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise refused(error, sql, is_lost=driver.is_closed()) from error
    return Answer(records, status.decode())


def _bound(value: object) -> object:
    return Flat(value) if type(value) is list else value


async def say(driver: "asyncpg.Connection[Any]", sql: str) -> None:
    """BEGIN, COMMIT, ROLLBACK. Raises as `ask` does."""
    try:
        await driver.execute(sql)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise refused(error, sql, is_lost=driver.is_closed()) from error


def refused(error: Exception, sql: str, *, is_lost: bool) -> DBAPIError:
    """The error of the driver as one of SQLAlchemy's; `orig` knows the SQLSTATE."""
    known: Mapping[type, Callable[[str, Exception], Exception]] = _DIALECT.loaded_dbapi._asyncpg_error_translate
    translate = next(known[cls] for cls in type(error).__mro__ if cls in known)
    origin = translate(f"{type(error)}: {error}", error)
    origin.__cause__ = error
    found: Any = DBAPIError.instance(
        sql,
        None,
        origin,
        _DIALECT.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=_DIALECT,
    )
    assert isinstance(found, DBAPIError)
    return found
