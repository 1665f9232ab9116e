"""The shapes in which events travel between the log and its tables."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")

EventFields = tuple[int, int, str, int, str | None, str, bytes]
"""partition, position, stream, version, tag, entry, hash."""

AnswerFields = tuple[str, bytes, bytes, int]
"""key, fingerprint, body, answered_at."""


class Head(NamedTuple):
    """The last position of a partition, and the hash of the event there."""

    position: int
    hash: bytes


class Found(NamedTuple):
    """What is there before an append.

    The head of each partition, the last version of each stream that exists, and (fingerprint, body) of what was
    answered under a key before.
    """

    heads: dict[int, Head]
    versions: dict[str, int]
    answers: dict[str, tuple[bytes, bytes]]


class Entry(NamedTuple):
    """What a relay needs of an event: where it stands, what it is tagged with, and its document."""

    position: int
    tag: str | None
    body: bytes


def batched(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    """`itertools.batched`, which Python 3.11 does not have yet."""
    iterator = iter(items)
    while batch := tuple(islice(iterator, size)):
        yield batch
