"""What stats hears: both topics, counted alike. Their order among each other does not matter: sums commute."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from services.stats.counting import FIGURES, counter
from services.stats.facts import facts
from services.stats.people.keeping import Kept, keeper
from shared.envelope import Envelope
from shared.events import EVENT_TYPES, Event, IntakeEvent, ReferralEvent
from shared.events.desk import (
    ArrivalUndone,
    InvitationGiven,
    InvitationUsed,
    InvitationWithdrawn,
    VisitorArrived,
    VisitorLeft,
    VisitorReceived,
)
from shared.events.intake import (
    AttendanceRecorded,
    AttendanceWithdrawn,
    CasesMerged,
    CasesUnmerged,
    CollectiveActionHeld,
    CollectiveActionVoided,
    HeadcountCorrected,
    PersonAttached,
    VisitCorrected,
    VisitRecorded,
    VisitVoided,
)
from shared.events.needs import NeedDropped, NeedSettled, NeedUnmet, RequestDropped, RequestRedated
from shared.events.referral import Moved, PermanenceCancelled, ReferralIssued
from shared.subscription import Effects, Topic

COUNTED: tuple[type[Event], ...] = (
    VisitRecorded, VisitCorrected, VisitVoided, VisitorArrived, VisitorReceived, VisitorLeft, ArrivalUndone,
    InvitationGiven, InvitationUsed, InvitationWithdrawn, CollectiveActionHeld, CollectiveActionVoided,
    HeadcountCorrected, AttendanceRecorded, AttendanceWithdrawn, PersonAttached, CasesMerged, CasesUnmerged,
    ReferralIssued, Moved, NeedUnmet, NeedSettled, NeedDropped, RequestDropped, RequestRedated,
    PermanenceCancelled,
)  # fmt: skip
"""What counts for anything, or says who is who. The rest is half of all that is heard, and is not even decoded."""
PASSED_OVER = frozenset(name for name, event in EVENT_TYPES.items() if not issubclass(event, COUNTED))


class _Both:
    """People and counters, in one transaction. People first: they may have to wait for a lock, and hold none yet."""

    def __init__(self, people: Kept, counters: Effects) -> None:
        self._people, self._counters = people, counters

    def apply(self, connection: Connection) -> None:
        self._people.apply(connection)
        self._counters.apply(connection)

    def committed(self) -> None:
        self._counters.committed()


def topics(partitions: int, on_change: Callable[[], None], suffix: str = "") -> list[Topic]:
    """The topics heard, taken into the live tables, or into those with this suffix."""
    keep, count = keeper(suffix), counter(FIGURES.name + suffix, on_change)

    def react(batch: Sequence[Envelope]) -> Effects:
        told = facts(batch, PASSED_OVER)
        return _Both(keep(told), count(told))

    return [
        Topic("intake", partitions, react, IntakeEvent),
        Topic("referral", partitions, react, ReferralEvent),
    ]
