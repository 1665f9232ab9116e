"""What an event of `referral` changes in what a visit shows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.envelope import Envelope
from shared.events.needs import NeedDropped, NeedSettled, NeedUnmet
from shared.events.referral import (
    Moved,
    ReferralCompleted,
    ReferralDeclined,
    ReferralEscalated,
    ReferralIssued,
    ReferralMoveUndone,
    ReferralReminded,
    ReferralReopened,
    ReferralWithdrawn,
)

UNMET = "unmet"
WITH_REASON = (ReferralDeclined, ReferralWithdrawn, ReferralReopened, ReferralMoveUndone)


class Change(NamedTuple):
    """Set these columns of one referral's row; `is_new`: the row begins here."""

    referral_id: str
    is_new: bool
    columns: Mapping[str, Any]


def change(envelope: Envelope) -> Change | None:
    """The change that an event means; None when a visit does not show it."""
    event = envelope.event
    columns: dict[str, Any]
    match event:
        case ReferralIssued():
            columns = {
                "visit_id": event.visit_id,
                "request_id": event.request_id,
                "partner": event.partner,
                "status": "issued",
                "issued_at": envelope.occurred_at,
            }
            return Change(event.referral_id, True, {**columns, "version": envelope.version})
        case NeedUnmet():
            columns = {
                "visit_id": event.visit_id,
                "request_id": event.request_id,
                "partner": "coordinator",
                "status": UNMET,
                "reason": event.reason,
                "issued_at": envelope.occurred_at,
            }
            return Change(envelope.stream.removeprefix("referral-"), True, {**columns, "version": envelope.version})
        case Moved():
            columns = {
                "status": event.becomes,
                "outcome": event.outcome if isinstance(event, ReferralCompleted | ReferralMoveUndone) else None,
                "reason": event.reason if isinstance(event, WITH_REASON) else None,
                "version": envelope.version,
                **_taken_on(event),
            }
            return Change(event.referral_id, False, columns)
        case ReferralReminded() | ReferralEscalated():
            return Change(event.referral_id, False, {"version": envelope.version})
        case NeedSettled():
            settled = {"status": "rerouted", "version": envelope.version}
            return Change(envelope.stream.removeprefix("referral-"), False, settled)
        case NeedDropped(because=because):
            dropped = {"status": "withdrawn", "reason": because, "version": envelope.version}
            return Change(envelope.stream.removeprefix("referral-"), False, dropped)
    return None


def _taken_on(event: Moved) -> Mapping[str, Any]:
    """Whether the partner has said yes by this move: nothing where the move says nothing of it.

    The desk books, walks and misses for partners that have not answered yet, so the status alone does not tell.
    """
    if event.becomes in {"accepted", "received"}:
        return {"taken_on": True}
    return {"taken_on": False} if event.becomes == "issued" else {}
