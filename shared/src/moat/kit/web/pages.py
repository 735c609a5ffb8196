"""Lists are keyset pages: `items` and an opaque `next_cursor`; no offset, and every sort ends in a unique column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from moat.kit.problems import FieldError, Invalid
from moat.kit.web.cursor import CURSOR_CHARACTERS_MAX, BrokenCursor, Key, decode_cursor, encode_cursor
from moat.kit.web.rendering import template_of

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 200

Row = TypeVar("Row")
Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    model_config = ConfigDict(frozen=True)

    items: list[Item]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted: at most `limit` rows after the sort key `after` (None: from the beginning)."""

    limit: int
    after: Key | None
    place: str

    def page(
        self, rows: Sequence[Row], *, key: Callable[[Row], Sequence[Any]], of: Callable[[Row], Item]
    ) -> Page[Item]:
        """The page of `rows`, which were asked for with `limit + 1` so that the last page is known."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        cursor = encode_cursor(key(shown[-1]), self.place) if more else None
        return Page(items=[of(row) for row in shown], next_cursor=cursor)

    def after_as(self, *types: type | tuple[type, ...]) -> Key | None:
        """`after`, checked to have exactly these types. Raises Invalid."""
        if self.after is None:
            return None
        if len(self.after) != len(types) or not all(map(isinstance, self.after, types)):
            raise broken_cursor()
        return self.after


def broken_cursor() -> Invalid:
    """The refusal of a cursor that this list did not give out."""
    return Invalid(errors=[FieldError("#/query/cursor", "is not a cursor of this list")])


async def page_request(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="How many items at most")] = LIMIT_DEFAULT,
    cursor: Annotated[
        str | None, Query(max_length=CURSOR_CHARACTERS_MAX, description="`next_cursor` of the page before")
    ] = None,
) -> PageRequest:
    """The page a request asks for. Raises Invalid for a broken cursor."""
    place = template_of(request.scope)
    if cursor is None:
        return PageRequest(limit, None, place)
    try:
        return PageRequest(limit, decode_cursor(cursor, place), place)
    except BrokenCursor:
        raise broken_cursor() from None


PageQuery = Annotated[PageRequest, Depends(page_request)]
