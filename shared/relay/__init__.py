"""From the log to the bus. Read `relay.py`, then `copy.py`, `calls.py` and the script `append.lua`."""

from shared.relay.copy import BusRefused, TopicCopy, last_position
from shared.relay.relay import Relay

__all__ = ["BusRefused", "Relay", "TopicCopy", "last_position"]
