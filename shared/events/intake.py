"""What intake says: cases opened and visits recorded."""

from typing import ClassVar

import msgspec

from shared.events.base import Event


class RequestMade(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing asked for during a visit. `partner` is the visitor's or worker's wish, `answered` = on the spot."""

    request_id: str
    category: str
    topic: str | None = None
    partner: str | None = None
    answered: bool = False


class CaseOpened(Event, frozen=True):
    """A history begins, of one person or household; anonymous until a person is attached."""

    event_type: ClassVar[str] = "intake.case-opened.v1"

    case_id: str
    site: str


class VisitRecorded(Event, frozen=True):
    """One person or household was received once, by one channel, and asked for one thing or more."""

    event_type: ClassVar[str] = "intake.visit-recorded.v1"

    visit_id: str
    case_id: str
    site: str
    channel: str
    requests: tuple[RequestMade, ...]


IntakeEvent = CaseOpened | VisitRecorded
