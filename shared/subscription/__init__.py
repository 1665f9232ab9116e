"""From a topic to a service's database, once and in order. Read `subscription.py` first."""

from shared.subscription.batch import Effects, Heard, React
from shared.subscription.checkpoints import CheckpointMoved, Place
from shared.subscription.hearing import Hearing, Topic, positions
from shared.subscription.subscription import Subscription

__all__ = [
    "CheckpointMoved",
    "Effects",
    "Heard",
    "Hearing",
    "Place",
    "React",
    "Subscription",
    "Topic",
    "positions",
]
