"""Events as they were found in a log, and what the auditor needs to know of a visit."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

VISIT = "intake.visit-recorded.v1"
ISSUED = "referral.issued.v1"
ACCEPTED = "referral.accepted.v1"
UNMET = "referral.need-unmet.v1"
SETTLED = "referral.need-settled.v1"


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

    @property
    def open_requests(self) -> Iterator[str]:
        """The requests that were not answered on the spot."""
        return (request["request_id"] for request in self.requests if not request.get("answered"))


def visits_of(log: Iterable[Stored]) -> list[Visit]:
    """Every visit in a log, as often as it is there."""
    return [
        Visit(
            event.data["visit_id"],
            event.data["case_id"],
            event.data["channel"],
            event.time[:10],
            event.version,
            tuple(event.data["requests"]),
        )
        for event in log
        if event.type == VISIT
    ]


def handed_over(log: Iterable[Stored]) -> list[str]:
    """The requests that were handed to a partner or to the coordinator, as often as they were for the first time."""
    return [event.data["request_id"] for event in log if event.type in (ISSUED, UNMET) and is_first(event)]


def is_first(event: Stored) -> bool:
    """Nobody had the request before, and nobody is counted with it already."""
    return event.data.get("replaces") is None and not event.data.get("beside")
