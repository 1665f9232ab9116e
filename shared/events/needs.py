"""What referral says of requests themselves: unmet, settled, dropped, counted on another day."""

from typing import ClassVar

from shared.events.base import Event


class NeedUnmet(Event, frozen=True):
    """Nobody in the catalogue answers this request, or nobody any more: it is the coordinator's now.

    `request_was` = what the request counted as until then, `open` or `referred`.
    """

    event_type: ClassVar[str] = "referral.need-unmet.v1"

    request_id: str
    visit_id: str
    case_id: str
    site: str
    category: str
    reason: str
    catalogue_version: str
    found_on: str
    topic: str | None = None
    request_was: str = "open"
    replaces: str | None = None
    requested_on: str | None = None
    tried: tuple[str, ...] = ()
    safe_to_contact: bool | None = None


class NeedSettled(Event, frozen=True):
    """An unmet need is unmet no longer: a partner has the request (again), whose referral is `follower`.

    `category`, `reason`, `found_on` = the need's own, which it was counted by.
    """

    event_type: ClassVar[str] = "referral.need-settled.v1"

    request_id: str
    site: str
    requested_on: str
    follower: str
    category: str | None = None
    reason: str | None = None
    found_on: str | None = None


class NeedDropped(Event, frozen=True):
    """An unmet need is nobody's any more: the desk took the request back, for a coded reason (`because`).

    `category`, `reason`, `found_on` = the need's own, which it was counted by.
    """

    event_type: ClassVar[str] = "referral.need-dropped.v1"

    request_id: str
    site: str
    category: str
    reason: str
    found_on: str
    because: str


class RequestDropped(Event, frozen=True):
    """The desk took a request back that had been handed over: it is no request any more. Its stream is the request's.

    `was` = what the request counted as until then, `referred` or `unmet`, on the day `requested_on`. What became of
    the referrals is told by events of their own.
    """

    event_type: ClassVar[str] = "referral.request-dropped.v1"

    request_id: str
    visit_id: str
    site: str
    requested_on: str
    was: str
    because: str


class RequestRedated(Event, frozen=True):
    """The visit of a request that had been handed over was on another day: `requested_on`, and not `was_on`.

    Its stream is the request's. `counts_as` = what the request counts as on that day, `referred` or `unmet`.
    """

    event_type: ClassVar[str] = "referral.request-redated.v1"

    request_id: str
    visit_id: str
    site: str
    was_on: str
    requested_on: str
    counts_as: str
