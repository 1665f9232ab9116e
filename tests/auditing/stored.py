"""Events as they were found in a log, and what the auditor needs to know of a visit."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

VISIT = "intake.visit-recorded.v1"
ISSUED = "referral.issued.v1"
ACCEPTED = "referral.accepted.v1"
UNMET = "referral.need-unmet.v1"
SETTLED = "referral.need-settled.v1"
CORRECTED, VOIDED = "intake.visit-corrected.v1", "intake.visit-voided.v1"
DROPPED, REDATED = "referral.request-dropped.v1", "referral.request-redated.v1"
NEED_DROPPED = "referral.need-dropped.v1"
ARRIVED, UNDONE = "intake.visitor-arrived.v1", "intake.arrival-undone.v1"
ENDED = {"intake.visitor-received.v1": "received", "intake.visitor-left.v1": "left"}
GIVEN, USED = "intake.invitation-given.v1", "intake.invitation-used.v1"
WITHDRAWN = "intake.invitation-withdrawn.v1"


class Stored(NamedTuple):
    """One event in its place. `entry` is its CloudEvents document, as text."""

    partition: int
    position: int
    stream: str
    version: int
    type: str
    time: str
    data: Mapping[str, Any]
    entry: str


class Visit(NamedTuple):
    """What a log says of a visit."""

    visit_id: str
    case_id: str
    channel: str
    day: str
    version: int
    requests: tuple[Mapping[str, Any], ...]
    site: str = ""
    language: str | None = None
    needs: tuple[str, ...] = ()
    invitation: str | None = None

    @property
    def open_requests(self) -> Iterator[str]:
        """The requests that were not answered on the spot."""
        return (request["request_id"] for request in self.requests if not request.get("answered"))


def visits_of(log: Iterable[Stored]) -> list[Visit]:
    """Every visit in a log as it was recorded, as often as it is there."""
    return [visit_of(event.data, event.time, event.version) for event in log if event.type == VISIT]


def visit_of(data: Mapping[str, Any], at: str, version: int) -> Visit:
    """A visit as these data tell it."""
    told = (data.get("site", ""), data.get("language"), tuple(data.get("needs", ())), data.get("invitation"))
    return Visit(data["visit_id"], data["case_id"], data["channel"], at[:10], version, tuple(data["requests"]), *told)


def handed_over(log: Iterable[Stored]) -> list[str]:
    """The requests that were handed to a partner or to the coordinator, as often as they were for the first time."""
    return [event.data["request_id"] for event in log if event.type in (ISSUED, UNMET) and is_first(event)]


def is_first(event: Stored) -> bool:
    """Nobody had the request before, and nobody is counted with it already."""
    return event.data.get("replaces") is None and not event.data.get("beside")
