"""What a desk asks of intake. Ids and times are made at the edge; a command carries them."""

from dataclasses import dataclass
from enum import StrEnum

from shared.events.intake import RequestMade


class CloseReason(StrEnum):
    """Why nothing more is expected."""

    DONE = "done"
    MOVED_AWAY = "moved_away"
    NO_NEWS = "no_news"
    ELSEWHERE = "followed_elsewhere"
    OPENED_BY_MISTAKE = "opened_by_mistake"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RecordVisit:
    """One person was received. `opens_case`: nothing is known of the person, so the visit opens a case.

    `invitation`: the code to give, and the partner that it invites to.
    """

    visit_id: str
    case_id: str
    site: str
    channel: str
    requests: tuple[RequestMade, ...]
    opens_case: bool
    language: str | None = None
    needs: tuple[str, ...] = ()
    children: bool = False
    invitation: tuple[str, str] | None = None
    arrival_id: str | None = None


@dataclass(frozen=True, slots=True)
class AttachPerson:
    """It is known by now who the case is about."""

    case_id: str
    person_id: str


@dataclass(frozen=True, slots=True)
class CloseCase:
    """Nothing more is expected of a case."""

    case_id: str
    reason: CloseReason


@dataclass(frozen=True, slots=True)
class ReopenCase:
    """A closed case is to go on."""

    case_id: str


class SealGround(StrEnum):
    """Why nobody is to read a case without saying why."""

    IN_DANGER = "in_danger"
    WORKS_HERE = "works_here"
    KNOWN_TO_STAFF = "known_to_staff"
    PUBLIC_FIGURE = "public_figure"
    COURT = "court"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SealCase:
    """Nobody is to read a case without saying why."""

    case_id: str
    ground: SealGround


@dataclass(frozen=True, slots=True)
class UnsealCase:
    """A sealed case may be read like any other again."""

    case_id: str


@dataclass(frozen=True, slots=True)
class MergeCases:
    """`absorbed` turned out to be about the same person or household as `kept`."""

    kept: str
    absorbed: str


@dataclass(frozen=True, slots=True)
class UnmergeCase:
    """It turned out that it was not."""

    absorbed: str


Command = RecordVisit | AttachPerson | CloseCase | ReopenCase | SealCase | UnsealCase
"""What is asked of one case. Merging asks two."""
