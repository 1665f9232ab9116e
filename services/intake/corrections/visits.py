"""A visit as it stands after its corrections, and the rules of correcting and voiding it: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from msgspec import structs

from shared.decider import Refusal
from shared.envelope import Envelope
from shared.events.intake import RequestMade, VisitCorrected, VisitRecorded, VisitVoided
from shared.ids import derive_id


class VoidReason(StrEnum):
    """Why a visit never was."""

    MISTAKE = "mistake"
    DUPLICATE = "duplicate"
    TEST = "test"
    OTHER = "other"


class VisitIsVoid(Refusal):
    """There is nothing left to correct or to void."""


class NothingToCorrect(Refusal):
    """The visit stands as it should already."""


class RequestUnknown(Refusal):
    """The correction names a request (by its place in the list, from 0) that the visit does not have, or twice."""

    def __init__(self, number: int) -> None:
        super().__init__(f"request {number}")
        self.number = number


@dataclass(frozen=True)
class Visit:
    """A visit as it stands. `at`: when it happened (the site's offset); `version`: that of its last event.

    `changes` = the events that corrected or voided it, oldest first.
    """

    told: VisitRecorded
    at: str
    recorded: Envelope
    version: int
    revision: int = 0
    voided_for: str | None = None
    changes: tuple[Envelope, ...] = ()


@dataclass(frozen=True)
class RequestRight:
    """A request as it should have been. `request_id` = the one that it is, or was; `fields` = what is said of it.

    What is said of one that there was leaves the rest as it was; a category that changes takes topic and partner along.
    """

    request_id: str | None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CorrectVisit:
    """What is right. None: it is right already. `requests` = all of them, as they should have been.

    `said` = the members `site`, `language`, `needs` and `children` that were not right, by name.
    """

    channel: str | None = None
    occurred_at: str | None = None
    requests: tuple[RequestRight, ...] | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


def visits_of(envelopes: Iterable[Envelope]) -> dict[str, Visit]:
    """The visits of a history by their ids, in the order in which they were recorded."""
    found: dict[str, Visit] = {}
    for envelope in envelopes:
        match envelope.event:
            case VisitRecorded() as told:
                found[told.visit_id] = Visit(told, envelope.occurred_at, envelope, envelope.version)
            case VisitCorrected(now=now, now_at=now_at, revision=revision) if now.visit_id in found:
                before = found[now.visit_id]
                found[now.visit_id] = replace(
                    before, told=now, at=now_at, revision=revision, version=envelope.version,
                    changes=(*before.changes, envelope),
                )  # fmt: skip
            case VisitVoided(was=was, reason=reason) if was.visit_id in found:
                before = found[was.visit_id]
                found[was.visit_id] = replace(
                    before, voided_for=reason, version=envelope.version, changes=(*before.changes, envelope)
                )
    return found


def correct(visit: Visit, command: CorrectVisit) -> VisitCorrected:
    """The event that makes a visit what it should have been. Raises a refusal."""
    if visit.voided_for is not None:
        raise VisitIsVoid
    revision = visit.revision + 1
    requests = visit.told.requests
    if command.requests is not None:
        requests = tuple(_right(visit.told, command.requests, revision))
    if command.said.get("site", visit.told.site) != visit.told.site:
        requests = tuple(_elsewhere(visit.told, requests, revision))
    channel = command.channel or visit.told.channel
    now = structs.replace(visit.told, channel=channel, requests=requests, **command.said)
    now_at = command.occurred_at or visit.at
    if (now, now_at) == (visit.told, visit.at):
        raise NothingToCorrect
    return VisitCorrected(visit.told, visit.at, now, now_at, revision)


def void(visit: Visit, reason: VoidReason) -> VisitVoided:
    """The event that says that a visit never was. Raises a refusal."""
    if visit.voided_for is not None:
        raise VisitIsVoid
    return VisitVoided(visit.told, visit.at, reason.value)


def _elsewhere(visit: VisitRecorded, requests: Iterable[RequestMade], revision: int) -> Iterable[RequestMade]:
    """The same requests at another site. Another desk asks other doors: what is open is another request there."""
    for number, made in enumerate(requests, 1):
        new_id = derive_id(visit.visit_id, "correction", revision, number)
        yield made if made.answered else structs.replace(made, request_id=new_id)


def _right(visit: VisitRecorded, rights: Sequence[RequestRight], revision: int) -> Iterable[RequestMade]:
    """The requests as they should have been: one that says the same as before is the one of before."""
    left = {one.request_id: one for one in visit.requests}
    named: dict[int, RequestMade] = {}
    for number, right in enumerate(rights):
        if right.request_id is not None:
            if right.request_id not in left:
                raise RequestUnknown(number)
            named[number] = left.pop(right.request_id)
    for number, right in enumerate(rights):
        before = named.get(number)
        made = _made(before, right.fields)
        if before is None:
            before = next((one for one in left.values() if structs.replace(one, request_id="") == made), None)
            if before is not None:
                del left[before.request_id]
        if before is not None and structs.replace(before, request_id="") == made:
            yield before
        else:
            new_id = derive_id(visit.visit_id, "correction", revision, number + 1)
            yield structs.replace(made, request_id=new_id)


def _made(before: RequestMade | None, fields: dict[str, Any]) -> RequestMade:
    """What is said of a request, without its id."""
    if before is None:
        return RequestMade("", **fields)
    if fields.get("category", before.category) != before.category:
        before = structs.replace(before, topic=None, partner=None)
    return structs.replace(before, request_id="", **fields)
