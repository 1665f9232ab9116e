"""Redis as the house uses it: where a topic's entries are kept, and how to reach the server.

Only commands of Redis 7.0 are used. Everything here can be wiped at any moment.
"""

from typing import Any

from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

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


def connect(url: str, connections_max: int = 100) -> Redis:
    """A client that answers in bytes and never waits for ever: the callers retry, with their own bounds."""
    return Redis.from_url(
        url,
        protocol=2,
        socket_timeout=10,
        socket_connect_timeout=3,
        retry=Retry(NoBackoff(), 1),
        max_connections=connections_max,
    )


def position_of(entry_id: bytes | str) -> int:
    """The log position in an entry's ID: 57 of `57-0`."""
    separator: Any = b"-" if isinstance(entry_id, bytes) else "-"
    return int(entry_id.partition(separator)[0])
