"""What endpoints ask for by annotation: the database, the clock, the process, the caller's language."""

from typing import Annotated, Literal

from fastapi import Depends, Header
from starlette.requests import Request

from moat.kit.clock import Clock
from moat.kit.db.database import Database
from moat.kit.process import Process

LanguageCode = Literal["zh-CN", "en"]


async def process_of(request: Request) -> Process:
    """The process this app belongs to."""
    process: Process = request.scope["app"].state.process
    return process


async def database_of(request: Request) -> Database:
    """The service's own database."""
    return (await process_of(request)).db


async def clock_of(request: Request) -> Clock:
    """The process's clock."""
    return (await process_of(request)).clock


def preferred_language(accept: str) -> LanguageCode:
    """The better of zh-CN and en by an Accept-Language header (RFC 9110, 12.5.4); zh-CN when it says neither."""
    best: tuple[float, LanguageCode] = (0.0, "zh-CN")
    for part in accept[:500].split(","):
        tag, _, parameter = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        languages: dict[str, LanguageCode] = {"zh": "zh-CN", "en": "en", "*": "zh-CN"}
        language = languages.get(primary)
        quality = _quality(parameter)
        if language is not None and quality > best[0]:
            best = (quality, language)
    return best[1]


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0


async def language_of(accept_language: Annotated[str, Header(description="zh-CN or en")] = "") -> LanguageCode:
    """The language for human texts."""
    return preferred_language(accept_language)


Db = Annotated[Database, Depends(database_of)]
Now = Annotated[Clock, Depends(clock_of)]
ProcessHere = Annotated[Process, Depends(process_of)]
Language = Annotated[LanguageCode, Depends(language_of)]
