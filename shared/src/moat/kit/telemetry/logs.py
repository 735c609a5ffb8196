"""Logs as JSON lines on standard output: what happened, under which request, never personal data or a query string."""

import logging
import sys
from typing import Any, Final

import structlog
from pydantic_core import to_json

EXCEPTION_CHARACTERS_MAX: Final = 1_000
_VALUES_FOLLOW: Final = ("\nDETAIL:", "\n[parameters:", "\n[SQL:", "[parameters:")
LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def set_up_logs(service: str, level: str = "info") -> None:
    """Write every log line of this process, ours and the libraries', as one JSON object."""
    minimum = LEVELS.get(level.lower(), 20)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service),
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=20)
        ),
        _without_values,
    ]
    renderer = structlog.processors.JSONRenderer(serializer=_serialize)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(minimum),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(minimum, logging.WARNING))


def _serialize(document: Any, **_options: Any) -> str:
    return to_json(document, fallback=str, inf_nan_mode="null").decode()


def _without_values(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    """Cut from database errors what they quote of rows and bound values: people's data has no place in a log."""
    exceptions = line.get("exception")
    for exception in exceptions if isinstance(exceptions, list) else ():
        text = str(exception.get("exc_value", ""))
        cut = min((at for mark in _VALUES_FOLLOW if (at := text.find(mark)) >= 0), default=len(text))
        exception["exc_value"] = text[: min(cut, EXCEPTION_CHARACTERS_MAX)]
    return line


def _named(service: str) -> Any:
    def add(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
        line["service"] = service
        return line

    return add
