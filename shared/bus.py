"""Redis as the house uses it: where a topic's entries are kept. How the server is reached: `shared.bus_address`.

Only commands of Redis 7.0 are used. Everything here can be wiped at any moment.
Each call names one key, so that a topic, a queue and a hash of reports may each lie on another server of a Cluster.
"""

from typing import Any

from shared.bus_address import BUS_FAILURES, connect

__all__ = [
    "BUS_FAILURES",
    "DATA_FIELD",
    "checkpoints_key",
    "connect",
    "position_of",
    "queue_key",
    "topic_key",
]

DATA_FIELD = "__data__"
"""The one field of an entry; its value is a CloudEvents document (see `shared.envelope`)."""


def topic_key(source: str, partition: int) -> str:
    """The Redis stream that carries one partition of a service's log."""
    return f"topic:{source}:{partition}"


def queue_key(partner: str) -> str:
    """The Redis stream that carries what one partner is to see."""
    return f"queue:{partner}"


def checkpoints_key(source: str, partition: int) -> str:
    """The hash in which the readers of a topic say how far they have come."""
    return f"checkpoints:{source}:{partition}"


def position_of(entry_id: bytes | str) -> int:
    """The log position in an entry's ID: 57 of `57-0`."""
    separator: Any = b"-" if isinstance(entry_id, bytes) else "-"
    return int(entry_id.partition(separator)[0])
