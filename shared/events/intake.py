"""What intake says: cases and their life, visits recorded, people attached and forgotten."""

from typing import ClassVar

import msgspec

from shared.events.base import Event


class RequestMade(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing asked for during a visit. `partner` is the visitor's or worker's wish, `answered` = on the spot.

    `safe_to_contact`: whether the person may be written to or rung; None = nobody asked.
    """

    request_id: str
    category: str
    topic: str | None = None
    partner: str | None = None
    answered: bool = False
    safe_to_contact: bool | None = None


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


class PersonAttached(Event, frozen=True):
    """It is known who a case is about. Who that is, the vault knows; the log never does."""

    event_type: ClassVar[str] = "intake.person-attached.v1"

    case_id: str
    person_id: str


class CaseClosed(Event, frozen=True):
    """Nothing more is expected, for a coded reason. A closed case takes no visit."""

    event_type: ClassVar[str] = "intake.case-closed.v1"

    case_id: str
    site: str
    reason: str


class CaseReopened(Event, frozen=True):
    """A closed case goes on."""

    event_type: ClassVar[str] = "intake.case-reopened.v1"

    case_id: str
    site: str


class CasesMerged(Event, frozen=True):
    """Two cases are one history: `absorbed` is read as a part of `kept`.

    Told twice, in both streams and one transaction. Who counts merges counts it where it is told of `absorbed`.
    `person_id` = whom the absorbed case was about.
    """

    event_type: ClassVar[str] = "intake.cases-merged.v1"

    kept: str
    absorbed: str
    person_id: str | None = None


class CasesUnmerged(Event, frozen=True):
    """Merging them was a mistake: both cases are again what they were. Told twice, as the merge was."""

    event_type: ClassVar[str] = "intake.cases-unmerged.v1"

    kept: str
    absorbed: str


class PersonErased(Event, frozen=True):
    """Somebody was forgotten: the key to the identity and the notes is deleted. `ground` = `decision` or `retention`.

    Its stream is the person's. What was counted stays counted.
    """

    event_type: ClassVar[str] = "intake.person-erased.v1"

    person_id: str
    ground: str


IntakeEvent = (
    CaseOpened | VisitRecorded | PersonAttached | CaseClosed | CaseReopened | CasesMerged | CasesUnmerged | PersonErased
)
