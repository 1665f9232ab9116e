"""What an event of `referral` changes in what a visit shows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.envelope import Envelope
from shared.events.referral import (
    NeedUnmet,
    ReferralAccepted,
    ReferralCompleted,
    ReferralDeclined,
    ReferralIssued,
)

UNMET = "unmet"


class Change(NamedTuple):
    """Set these columns of one referral's row; `is_new`: the row begins here."""

    referral_id: str
    is_new: bool
    columns: Mapping[str, Any]


def change(envelope: Envelope) -> Change | None:
    """The change that an event means; None when a visit does not show it."""
    event = envelope.event
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
        case ReferralAccepted():
            return Change(event.referral_id, False, {"status": "accepted", "version": envelope.version})
        case ReferralDeclined():
            declined = {"status": "declined", "reason": event.reason, "version": envelope.version}
            return Change(event.referral_id, False, declined)
        case ReferralCompleted():
            completed = {"status": "completed", "outcome": event.outcome, "version": envelope.version}
            return Change(event.referral_id, False, completed)
    return None
