"""From the bytes of a body to the list of its events, in one pass of a fast parser.

A document with half of a surrogate pair is JSON by its grammar but no text: it is read a second time by Python's
reader, so that the one event that holds it is named and the others are taken.
"""

import json
from typing import Any, Final, NoReturn

from pydantic_core import from_json

from gateway.intake.problems import NotCloudEvents, UnreadableBody, WrongBatch
from moat.kit.problems import FieldError

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
EVENTS_MAX: Final = 500


def is_batch(content_type: str) -> bool:
    """Which of the two content types it is. Raises NotCloudEvents for any other."""
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.partition("charset=")[2].strip(' "').lower()
    if media_type.strip().lower() not in (SINGLE, BATCH) or charset not in ("", "utf-8"):
        raise NotCloudEvents(accepted=[SINGLE, BATCH])
    return media_type.strip().lower() == BATCH


def events_of(body: bytes, *, batch: bool) -> list[Any]:
    """The events of a body, nothing in them checked. Raises UnreadableBody, WrongBatch."""
    document = _document(body)
    if not batch:
        if not isinstance(document, dict):
            raise WrongBatch("One event is a JSON object", errors=[FieldError("", "is not an object")])
        return [document]
    if not isinstance(document, list) or not 1 <= len(document) <= EVENTS_MAX:
        found = f"has {len(document)} events" if isinstance(document, list) else "is not a list"
        raise WrongBatch(errors=[FieldError("", found)], events_max=EVENTS_MAX)
    return document


def _document(body: bytes) -> Any:
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        if b"\\u" not in body:
            raise UnreadableBody(str(error)[:200], errors=[FieldError("", str(error)[:200])]) from None
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        detail = "is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise UnreadableBody(detail, errors=[FieldError("", detail)]) from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    # Python refuses over 4,300 digits with an error of its own; what is that long is refused by its field anyway.
    return int(digits) if len(digits) < 100 else float("inf")
