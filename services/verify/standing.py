"""Where a service stood: how far its log reached, how far it had heard each topic, what it had put aside."""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

import psycopg

from services.verify.stores import CannotVerify, Store

Place = tuple[int, int]
"""A partition and a position in it."""


class Horizon(NamedTuple):
    """What one reader has taken in of one log: everything up to its checkpoints but what it put aside."""

    checkpoints: Mapping[int, int]
    parked: frozenset[Place]

    def holds(self, partition: int, position: int) -> bool:
        """Whether the reader has taken in the event there."""
        return position <= self.checkpoints.get(partition, 0) and (partition, position) not in self.parked


class Standing(NamedTuple):
    """One service at one moment. `heads` is empty for a service without a log."""

    service: str
    heads: Mapping[int, int]
    heard: Mapping[str, Horizon]


def standing(service: str, store: Store, *, has_log: bool = True) -> Standing:
    """Read where a service stands. Raises `CannotVerify`: without it nothing can be compared."""
    try:
        return _standing(service, store, has_log=has_log)
    except (sqlite3.DatabaseError, psycopg.DatabaseError) as error:
        raise CannotVerify(f"the database of {service} cannot be read: {error}") from error


def _standing(service: str, store: Store, *, has_log: bool) -> Standing:
    heads = dict(store.rows("SELECT partition, head FROM partitions ORDER BY partition")) if has_log else {}
    checkpoints: dict[str, dict[int, int]] = {"intake": {}, "referral": {}}
    # A rebuild reads under a name of its own, which is none of ours.
    query = (
        f"SELECT topic, partition, position FROM {{}} WHERE reader = '{service}' ORDER BY topic, partition, position"
    )
    for topic, partition, position in store.rows(query.format("checkpoints")):
        checkpoints.setdefault(topic, {})[partition] = position
    parked: dict[str, set[Place]] = {}
    for topic, partition, position in store.rows(query.format("dead_letters")):
        parked.setdefault(topic, set()).add((partition, position))
    heard = {topic: Horizon(positions, frozenset(parked.get(topic, ()))) for topic, positions in checkpoints.items()}
    return Standing(service, heads, heard)
