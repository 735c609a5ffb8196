"""HTTP: the app factory and everything that every door of it shares."""

from moat.kit.web.app import create_app
from moat.kit.web.dependencies import Db, Language, LanguageCode, Now, ProcessHere
from moat.kit.web.documents import problems
from moat.kit.web.door import seconds_left
from moat.kit.web.idempotency import Once
from moat.kit.web.pages import Page, PageQuery, PageRequest
from moat.kit.web.preconditions import IfMatch, etag
from moat.kit.web.reading import read_json
from moat.kit.web.together import LATER, Later, Outcome

__all__ = (
    "LATER",
    "Db",
    "IfMatch",
    "Language",
    "LanguageCode",
    "Later",
    "Now",
    "Once",
    "Outcome",
    "Page",
    "PageQuery",
    "PageRequest",
    "ProcessHere",
    "create_app",
    "etag",
    "problems",
    "read_json",
    "seconds_left",
)
