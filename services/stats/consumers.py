"""What stats hears: both topics, counted alike. Their order among each other does not matter: sums commute."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from services.stats.counting import FIGURES, counter
from services.stats.people.keeping import Kept, keeper
from shared.envelope import Envelope
from shared.events import IntakeEvent, ReferralEvent
from shared.subscription import Effects, Topic


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
        return _Both(keep(batch), count(batch))

    return [
        Topic("intake", partitions, react, IntakeEvent),
        Topic("referral", partitions, react, ReferralEvent),
    ]
