"""The journal of a service: lines of JSON on stderr, or of text where somebody watches; nothing in it but known keys.

What a library or a careless hand adds to a record beyond these keys is dropped, and of a failure the place is told,
not the message: a database's message holds the values that it was given, a validator's what somebody typed.
"""

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any

import structlog

KEYS = frozenset({"timestamp", "level", "service", "logger", "event", "failure", "at"})
"""All that a line may say. `failure` = the types of an exception and its causes; `at` = where, innermost first."""
_QUIET = ("uvicorn.access", "uvicorn.error", "faststream", "alembic", "httpx", "opentelemetry")
_FRAMES_MAX = 8

Event = MutableMapping[str, Any]


def keep_journal(service: str, *, as_text: bool | None = None) -> None:
    """Write what this process logs to stderr. `as_text` None: as text on a terminal, else as JSON."""
    as_text = sys.stderr.isatty() if as_text is None else as_text
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(service, as_text=as_text))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(service: str, *, as_text: bool = False) -> logging.Formatter:
    """Makes a line of each record."""

    def named(_logger: Any, _method: str, event: Event) -> Event:
        event["service"] = service
        return event

    last = structlog.dev.ConsoleRenderer(colors=False) if as_text else structlog.processors.JSONRenderer()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            named,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            told_without_its_words,
            only_known,
            last,
        ],
    )


def told_without_its_words(_logger: Any, _method: str, event: Event) -> Event:
    """A failure by its type and its place."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["failure"] = " < ".join(_types(error))
        event["at"] = _places(error.__traceback__)
    return event


def only_known(_logger: Any, _method: str, event: Event) -> Mapping[str, Any]:
    """The keys that may be said, and no other."""
    return {key: value for key, value in event.items() if key in KEYS}


def _types(error: BaseException) -> list[str]:
    found: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(found) < _FRAMES_MAX:
        found.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return found


def _places(raised: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(raised)[-_FRAMES_MAX:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
