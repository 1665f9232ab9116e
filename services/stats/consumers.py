"""What stats hears: both topics, counted alike. Their order among each other does not matter: sums commute."""

from collections.abc import Callable, Sequence

from services.stats.counting import FIGURES, counter
from shared.envelope import Envelope
from shared.events import IntakeEvent, ReferralEvent
from shared.subscription import Effects, Topic


def topics(partitions: int, on_change: Callable[[], None], table: str = FIGURES.name) -> list[Topic]:
    """The topics heard, counted into `table`."""
    react: Callable[[Sequence[Envelope]], Effects] = counter(table, on_change)
    return [
        Topic("intake", partitions, react, IntakeEvent),
        Topic("referral", partitions, react, ReferralEvent),
    ]
