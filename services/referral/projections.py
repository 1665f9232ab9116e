"""What an event changes in the partners' queues and in the places of permanences."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from services.referral.deadlines import answer_due, outcome_due, utc_text
from services.referral.words import OPEN, Status
from shared.catalogue import Catalogue
from shared.envelope import Recorded
from shared.events.needs import NeedDropped, NeedSettled, NeedUnmet
from shared.events.referral import (
    COORDINATOR,
    AppointmentBooked,
    AppointmentCancelled,
    Moved,
    PermanenceCancelled,
    ReferralCompleted,
    ReferralDeclined,
    ReferralEscalated,
    ReferralIssued,
    ReferralMoveUndone,
    ReferralReminded,
    ReferralReopened,
    ReferralWithdrawn,
)


class Step(Enum):
    """When the house acts next by itself: at one of the row's own deadlines."""

    AT_ANSWER_DUE = "answer_due_at"
    AT_OUTCOME_DUE = "outcome_due_at"


class Counts(NamedTuple):
    """The deadline that counts from now on. If it lies no later than `passed_by` (UTC), it is `instead`."""

    step: Step
    passed_by: str
    instead: str


class Change(NamedTuple):
    """Columns to set in a row that is there."""

    referral_id: str
    columns: Mapping[str, Any]
    counts: Counts | None = None


class Place(NamedTuple):
    """A place of a permanence, given to a referral; `permanence_id` None = whatever it had is free again."""

    referral_id: str
    permanence_id: str | None = None
    place: int | None = None


@dataclass(frozen=True)
class Changes:
    """Rows to add, rows to change, places to give and to free, permanences that are off: each in order."""

    added: list[Mapping[str, Any]] = field(default_factory=list)
    moved: list[Change] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    cancelled: list[Mapping[str, Any]] = field(default_factory=list)


def changes(recorded: Iterable[Recorded], catalogue: Catalogue) -> Changes:
    """The changes that events mean, in order."""
    found = Changes()
    for record in recorded:
        match record.event:
            case ReferralIssued():
                found.added.append(_issued(record, record.event, catalogue))
            case NeedUnmet():
                found.added.append(_unmet(record, record.event))
            case PermanenceCancelled() as off:
                row = {"permanence_id": off.permanence_id, "partner": off.partner, "cancelled_at": record.occurred_at}
                found.cancelled.append(row)
            case Moved() as move:
                found.moved.append(_moved(record, move, catalogue))
                if (place := _place(move)) is not None:
                    found.places.append(place)
            case ReferralReminded(next_step_at=next_step) | ReferralEscalated(next_step_at=next_step):
                chased = 1 if isinstance(record.event, ReferralReminded) else 2
                columns = {"next_step_at": next_step, "chased": chased, "version": record.version}
                found.moved.append(Change(_id(record), columns))
            case NeedSettled():
                settled = {"status": Status.REROUTED.value, "is_open": False, "version": record.version}
                found.moved.append(Change(_id(record), {**settled, "moved_at": record.occurred_at}))
            case NeedDropped(because=because):
                dropped = {
                    "status": Status.WITHDRAWN.value,
                    "reason": because,
                    "is_open": False,
                    "version": record.version,
                }
                found.moved.append(Change(_id(record), {**dropped, "moved_at": record.occurred_at}))
    return found


def _issued(record: Recorded, event: ReferralIssued, catalogue: Catalogue) -> Mapping[str, Any]:
    due = answer_due(catalogue, event.partner, event.site, record.recorded_at)
    return {
        **_row(record, event, event.partner, Status.ISSUED),
        "reason": None,
        "queued_at": record.recorded_at,
        "answer_due_at": due,
        "outcome_due_at": outcome_due(catalogue, event.partner, event.site, record.recorded_at),
        "next_step_at": due,
    }


def _unmet(record: Recorded, event: NeedUnmet) -> Mapping[str, Any]:
    never = dict.fromkeys(("answer_due_at", "outcome_due_at", "next_step_at"))
    row = _row(record, event, COORDINATOR, Status.UNMET)
    return {**row, **never, "reason": event.reason, "queued_at": record.recorded_at}


def _row(record: Recorded, event: ReferralIssued | NeedUnmet, queue: str, status: Status) -> dict[str, Any]:
    return {
        "referral_id": _id(record),
        "queue": queue,
        "position": record.position,
        "request_id": event.request_id,
        "visit_id": event.visit_id,
        "case_id": event.case_id,
        "site": event.site,
        "category": event.category,
        "topic": event.topic,
        "status": status.value,
        "issued_at": record.occurred_at,
        "version": record.version,
        "is_open": True,
        "safe_to_contact": event.safe_to_contact,
        "replaces": event.replaces,
    }


def _moved(record: Recorded, move: Moved, catalogue: Catalogue) -> Change:
    status = Status(move.becomes)
    columns: dict[str, Any] = {
        "status": status.value,
        "outcome": move.outcome if isinstance(move, ReferralCompleted | ReferralMoveUndone) else None,
        "reason": move.reason if isinstance(move, _WITH_REASON) else None,
        "chased": 0,
        "version": record.version,
        "is_open": status in OPEN,
        "moved_at": record.occurred_at,
        "undoable": not isinstance(move, ReferralMoveUndone | AppointmentCancelled),
    }
    if isinstance(move, ReferralMoveUndone):
        columns |= {"permanence_id": move.permanence_id, "place": move.place, "starts_at": move.starts_at}
    elif status in _FREES_ITS_PLACE:
        columns |= _NO_PLACE
    if status not in OPEN:
        return Change(move.referral_id, {**columns, "next_step_at": None})
    step = Step.AT_ANSWER_DUE if status is Status.ISSUED else Step.AT_OUTCOME_DUE
    match move:
        case AppointmentBooked():
            columns |= {"permanence_id": move.permanence_id, "place": move.place, "starts_at": move.starts_at}
            # An outcome cannot be late before the person was there.
            earliest = answer_due(catalogue, move.partner, move.site, move.ends_at)
            return Change(move.referral_id, columns, Counts(step, earliest, earliest))
        case AppointmentCancelled():
            columns |= _NO_PLACE
        case ReferralReopened():
            since = record.recorded_at
            columns |= {
                "queued_at": since,
                "answer_due_at": (due := answer_due(catalogue, move.partner, move.site, since)),
                "outcome_due_at": outcome_due(catalogue, move.partner, move.site, since),
                "next_step_at": due,
            }
            return Change(move.referral_id, columns)
    # Who has just done something is given time: a deadline that was missed is asked about once, not at every move.
    anew = answer_due(catalogue, move.partner, move.site, record.recorded_at)
    passed_by = utc_text(datetime.fromisoformat(record.recorded_at))
    return Change(move.referral_id, columns, Counts(step, passed_by, anew))


def _place(move: Moved) -> Place | None:
    """What a move does to places: a place that was used stays used, one that will not be is free again."""
    if isinstance(move, AppointmentBooked | ReferralMoveUndone):
        return Place(move.referral_id, move.permanence_id, move.place)
    if isinstance(move, AppointmentCancelled) or move.becomes in _FREES_ITS_PLACE:
        return Place(move.referral_id)
    return None


_WITH_REASON = (ReferralDeclined, ReferralWithdrawn, ReferralReopened, ReferralMoveUndone)
_NO_PLACE: dict[str, Any] = {"permanence_id": None, "place": None, "starts_at": None}
_FREES_ITS_PLACE = frozenset({Status.ISSUED, Status.DECLINED, Status.REROUTED, Status.EXPIRED, Status.WITHDRAWN})


def _id(record: Recorded) -> str:
    return record.stream.removeprefix("referral-")
