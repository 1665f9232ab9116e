"""What becomes of a request itself when its visit is corrected or voided: its day, and whether it is one at all.

The referrals that it led to have lives, and streams, of their own; most requests have no stream at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from msgspec import structs

from services.referral.states import Dropped, NoReferral, Referral, Settled, Standing, Unmet
from shared.events import Event
from shared.events.needs import NeedUnmet, RequestDropped, RequestRedated
from shared.events.referral import ReferralIssued


@dataclass(frozen=True, slots=True)
class Request:
    """What its stream has told. `requested_on` None = the day that its first referral says."""

    requested_on: str | None = None
    is_dropped: bool = False


def request_stream(request_id: str) -> str:
    """The stream of a request."""
    return f"request-{request_id}"


def told(events: Iterable[Event]) -> Request:
    """A request after the events of its stream."""
    state = Request()
    for event in events:
        match event:
            case RequestDropped():
                state = replace(state, is_dropped=True)
            case RequestRedated(requested_on=requested_on):
                state = replace(state, requested_on=requested_on)
    return state


def handed_of(state: Referral) -> ReferralIssued | NeedUnmet | None:
    """How the request was handed over; None when it was not."""
    match state:
        case Standing(handed):
            return handed
        case Unmet(need) | Settled(need) | Dropped(need):
            return need
        case NoReferral():
            return None


def day_of(handed: ReferralIssued | NeedUnmet) -> str:
    """The local day of the visit, which the request counts on."""
    return handed.requested_on or (handed.issued_on if isinstance(handed, ReferralIssued) else handed.found_on)


def dated(state: Referral, requested_on: str) -> Referral:
    """The same referral or need, of a request of that day: whatever follows from it counts there."""
    match state:
        case Standing(handed):
            return replace(state, handed=structs.replace(handed, requested_on=requested_on))
        case Unmet(need) | Settled(need) | Dropped(need):
            # A need that was settled is still how its request was first handed over, which says its day.
            return type(state)(structs.replace(need, requested_on=requested_on))
    return state
