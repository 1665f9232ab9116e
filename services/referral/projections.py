"""What an event changes in the partners' queues."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from services.referral.decider import Status
from shared.envelope import Recorded
from shared.events.referral import (
    COORDINATOR,
    NeedUnmet,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralIssued,
)


class Changes(NamedTuple):
    """Rows to add, and columns to set in rows that are there."""

    added: list[Mapping[str, Any]]
    moved: list[Mapping[str, Any]]


def changes(recorded: Iterable[Recorded]) -> Changes:
    """The changes that events mean, in order."""
    found = Changes([], [])
    for record in recorded:
        match record.event:
            case ReferralIssued():
                found.added.append(_row(record, record.event, record.event.partner, Status.ISSUED, None))
            case NeedUnmet():
                found.added.append(_row(record, record.event, COORDINATOR, Status.UNMET, record.event.reason))
            case ReferralAccepted():
                found.moved.append(_move(record, Status.ACCEPTED))
            case ReferralDeclined():
                found.moved.append(_move(record, Status.DECLINED, reason=record.event.reason))
            case ReferralCompleted():
                found.moved.append(_move(record, Status.COMPLETED, outcome=record.event.outcome))
    return found


def _row(
    record: Recorded, event: ReferralIssued | NeedUnmet, queue: str, status: Status, reason: str | None
) -> Mapping[str, Any]:
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
        "outcome": None,
        "reason": reason,
        "issued_at": record.occurred_at,
        "version": record.version,
    }


def _move(
    record: Recorded, status: Status, *, reason: str | None = None, outcome: str | None = None
) -> Mapping[str, Any]:
    return {
        "moved_id": _id(record),
        "status": status.value,
        "reason": reason,
        "outcome": outcome,
        "version": record.version,
    }


def _id(record: Recorded) -> str:
    return record.stream.removeprefix("referral-")
