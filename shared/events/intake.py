"""What intake says: cases and their life, visits recorded, people attached and forgotten."""

from typing import ClassVar

import msgspec

from shared.events.base import Event
from shared.events.desk import (
    ArrivalUndone,
    InvitationGiven,
    InvitationUsed,
    InvitationWithdrawn,
    VisitorArrived,
    VisitorLeft,
    VisitorReceived,
)


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
    """One person or household was received once, by one channel, and asked for one thing or more.

    `language` = ISO 639-1, `needs` = who is needed to understand one another (`interpreter`, `reader`), `children` =
    there are some to look after, `invitation` = the code that was given for them, `arrival_id` = who waited for it.
    """

    event_type: ClassVar[str] = "intake.visit-recorded.v1"

    visit_id: str
    case_id: str
    site: str
    channel: str
    requests: tuple[RequestMade, ...]
    language: str | None = None
    needs: tuple[str, ...] = ()
    children: bool = False
    invitation: str | None = None
    arrival_id: str | None = None


class VisitCorrected(Event, frozen=True):
    """A visit was not as it had been written down: `was` stood there until now, `now` is right. `revision` from 1.

    Both are whole, each with the moment it happened (the site's offset), so that a counter can be moved without looking
    anything up. A request that stays keeps its id; one that was changed, or of which the visit was at another site, is
    another request, under an id of its own.
    """

    event_type: ClassVar[str] = "intake.visit-corrected.v1"

    was: VisitRecorded
    was_at: str
    now: VisitRecorded
    now_at: str
    revision: int


class VisitVoided(Event, frozen=True):
    """A visit never was, for a coded reason: `was` is all that stood there until now, and counts no more."""

    event_type: ClassVar[str] = "intake.visit-voided.v1"

    was: VisitRecorded
    was_at: str
    reason: str


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


class CaseSealed(Event, frozen=True):
    """Nobody reads the case from now on without saying why. `ground` is a code; who opens it stands in the vault."""

    event_type: ClassVar[str] = "intake.case-sealed.v1"

    case_id: str
    site: str
    ground: str


class CaseUnsealed(Event, frozen=True):
    """The case is read like any other again."""

    event_type: ClassVar[str] = "intake.case-unsealed.v1"

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


class CollectiveActionHeld(Event, frozen=True):
    """A meeting, a health morning or breakfast, or a workshop took place with `headcount` people there, named or not.

    Its stream is the action's. What it was about is a category, perhaps a topic; who led it and who spoke are partners:
    a title and people's names are nowhere. `held_at` carries the site's offset.
    """

    event_type: ClassVar[str] = "intake.collective-action-held.v1"

    action_id: str
    site: str
    held_at: str
    kind: str
    category: str
    headcount: int
    topic: str | None = None
    leaders: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()


class HeadcountCorrected(Event, frozen=True):
    """There were not as many people as had been written down: `was` stood there until now, `headcount` is right."""

    event_type: ClassVar[str] = "intake.headcount-corrected.v1"

    was: CollectiveActionHeld
    headcount: int


class CollectiveActionVoided(Event, frozen=True):
    """An action never was: `was` is all that stood there until now, `cases` and `people` whoever was named there."""

    event_type: ClassVar[str] = "intake.collective-action-voided.v1"

    was: CollectiveActionHeld
    cases: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


class AttendanceRecorded(Event, frozen=True):
    """Somebody whom the house knows, as a case or as a person (one of the two), was among those who were there.

    The headcount stays what it is: it counts everybody. What the action was is repeated, to be counted by.
    """

    event_type: ClassVar[str] = "intake.attendance-recorded.v1"

    action_id: str
    site: str
    kind: str
    category: str
    held_on: str
    partners: tuple[str, ...] = ()
    case_id: str | None = None
    person_id: str | None = None


class AttendanceWithdrawn(Event, frozen=True):
    """They were not there: what had been recorded was a mistake."""

    event_type: ClassVar[str] = "intake.attendance-withdrawn.v1"

    action_id: str
    site: str
    kind: str
    category: str
    held_on: str
    partners: tuple[str, ...] = ()
    case_id: str | None = None
    person_id: str | None = None


IntakeEvent = (
    CaseOpened | VisitRecorded | VisitCorrected | VisitVoided | PersonAttached | CaseClosed | CaseReopened
    | CaseSealed | CaseUnsealed
    | CasesMerged | CasesUnmerged | PersonErased
    | VisitorArrived | VisitorReceived | VisitorLeft | ArrivalUndone
    | InvitationGiven | InvitationUsed | InvitationWithdrawn
    | CollectiveActionHeld | HeadcountCorrected | CollectiveActionVoided | AttendanceRecorded | AttendanceWithdrawn
)  # fmt: skip
