"""Edits name the version they were made on: ETag out, If-Match in (RFC 9110, 13.1.1)."""

import re
from typing import Annotated, Final

from fastapi import Depends, Header
from starlette.responses import Response

from moat.kit.problems import PreconditionFailed, PreconditionRequired

_ETAG: Final = re.compile(r'"(0|[1-9][0-9]{0,17})"')


async def if_match_version(
    if_match: Annotated[str | None, Header(description='The ETag that was read, as `"3"`')] = None,
) -> int:
    """The version the caller has read. Raises PreconditionRequired; PreconditionFailed for what is no ETag of ours."""
    if if_match is None:
        raise PreconditionRequired()
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        # It was never given out, so it matches no version there ever was.
        raise PreconditionFailed()
    return int(found[1])


IfMatch = Annotated[int, Depends(if_match_version)]


def etag(response: Response, version: int) -> None:
    """Say which version the answer shows."""
    response.headers["ETag"] = f'"{version}"'
