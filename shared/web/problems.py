"""Every refusal over HTTP is an RFC 9457 problem: what is wrong, with which field, and what to do about it.

Values that were sent are never echoed: a problem may be logged, and a value may be a name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import msgspec
from pydantic import ValidationError

from shared.database import StoreFull, StoreUnavailable
from shared.envelope import MalformedEvent, UnknownEvent
from shared.log import KeyReused, VersionConflict

CONTENT_TYPE = "application/problem+json"
ERRORS_MAX = 50
"""Of a body with more faults than this, the first are told."""
FIELD_NAME_MAX = 100


class FieldError(TypedDict):
    """One field at fault: `field` is its path in the body (`requests.0.category`), or the parameter's name."""

    field: str
    detail: str


@dataclass
class Problem(Exception):
    """A refusal on its way to the client. `slug` names its kind for good: `/problems/<slug>`."""

    status: int
    slug: str
    title: str
    detail: str
    errors: Sequence[FieldError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The problem as the members of its JSON document."""
        members: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.facts,
        }
        if self.errors:
            members["errors"] = list(self.errors)
        return members

    def body(self) -> bytes:
        """The document's bytes."""
        return msgspec.json.encode(self.document())


def invalid(errors: Sequence[FieldError]) -> Problem:
    """The body is JSON, but not what is asked for."""
    named = ", ".join(error["field"] or "the body" for error in errors[:5])
    return Problem(422, "invalid-fields", "Fields are not valid", f"Correct these and send again: {named}.", errors)


def not_found(what: str) -> Problem:
    """There is no such thing, or it is none of the asker's business."""
    return Problem(404, "not-found", "Not found", f"There is no such {what}. Check the identifier.")


def field_name(*path: str | int) -> str:
    """A field's path as it is told: bounded, and encodable whatever was sent as a key."""
    return ".".join(map(str, path)).encode(errors="replace").decode()[:FIELD_NAME_MAX]


def from_validation(error: ValidationError, prefix: tuple[str, ...] = ()) -> Problem:
    """Pydantic's findings, field by field."""
    return from_findings(error.errors(include_url=False, include_input=False), prefix)


def from_findings(findings: Sequence[Mapping[str, Any]], prefix: tuple[str, ...] = ()) -> Problem:
    """Findings as pydantic lists them, field by field."""
    some = findings[:ERRORS_MAX]
    places = [found["loc"] for found in some]
    return invalid(
        [
            {"field": field_name(*prefix, *found["loc"]), "detail": _remedy(found)}
            for found in some
            if not _follows(found["loc"], places)
        ]
    )


def _follows(place: tuple[str | int, ...], places: Sequence[tuple[str | int, ...]]) -> bool:
    """Whether something inside this field is at fault: what is said of the whole is then no news."""
    return any(len(other) > len(place) and other[: len(place)] == place for other in places)


def _remedy(found: Mapping[str, Any]) -> str:
    if found["type"] == "extra_forbidden":
        return "This field is not known: remove it."
    if found["type"] == "missing":
        return "This field is required: add it."
    if found["type"] == "timezone_aware":
        return "Add the offset from UTC, as in 2008-03-11T09:30:00+01:00."
    return str(found["msg"]) + "."


def from_exception(error: Exception) -> Problem | None:
    """The problem that a failure below the edge means; None for a failure that nobody foresaw."""
    match error:
        case Problem():
            return error
        case StoreFull():
            return Problem(
                507, "store-full", "The disk is full", "Nothing was recorded. Free some space, then send it again.",
                headers={"Retry-After": "30"},
            )  # fmt: skip
        case StoreUnavailable():
            return Problem(
                503, "store-unavailable", "The database cannot be reached", "Nothing was recorded. Send it again.",
                headers={"Retry-After": "2"},
            )  # fmt: skip
        case UnknownEvent() | MalformedEvent():
            return Problem(
                500, "unreadable-event", "Written by another release",
                "It holds an event that this release cannot read. Nothing was changed; the operator must look at it.",
            )  # fmt: skip
        case KeyReused():
            return Problem(
                422, "key-reused", "Idempotency-Key used before",
                "This key came with another request before. Make a new key for a new request.",
                [{"field": "Idempotency-Key", "detail": "Make a new key for a new request."}],
            )  # fmt: skip
        case VersionConflict():
            return Problem(
                412, "stale-version", "Somebody else was faster",
                f"It stands at version {error.actual} by now. Read it again, then decide again.",
                [{"field": "If-Match", "detail": f"Send \"{error.actual}\" if you still want to."}],
                facts={"version": error.actual},
            )  # fmt: skip
    return None
