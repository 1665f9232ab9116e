"""A log stream by stream: the history of each case or referral, its versions dense from 1."""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from services.verify.checks import Check, reading
from services.verify.stores import Store


class Told(NamedTuple):
    """One event of a history. `entry` is empty where only the order is looked at."""

    partition: int
    position: int
    version: int
    entry: bytes


def histories(store: Store, source: str, versions: Check, *, with_entries: bool) -> Iterator[tuple[str, list[Told]]]:
    """Each stream and its events in order, the streams in the order of their names' bytes."""
    entry = store.entry if with_entries else "NULL"
    by_bytes = store.by_bytes if with_entries else ""
    rows = store.rows(
        f"SELECT stream, partition, position, version, {entry} FROM events ORDER BY stream{by_bytes}, version"
    )
    with reading(versions):
        for stream, same in groupby(rows, key=itemgetter(0)):
            told = [Told(*row[1:]) for row in same]
            _check(f"{source} {stream}", told, versions)
            yield stream, told


def _check(name: str, told: list[Told], versions: Check) -> None:
    last = Told(told[0].partition, 0, 0, b"")
    for one in told:
        if one.version != last.version + 1:
            versions.fault(f"{name} has version {one.version} after {last.version}")
        elif one.partition != last.partition:
            versions.fault(f"{name} goes from partition {last.partition} to {one.partition}")
        elif one.position <= last.position:
            versions.fault(f"{name} has version {one.version} before version {last.version} in the log")
        last = one
