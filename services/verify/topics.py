"""What the bus holds beside what the log says: a topic, and a partner's queue, is a true copy of a part of the log.

The bus is read before the logs are, so that no log can be behind. Of each entry only its position and the hash of
its document are kept.
"""

from array import array
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from redis.exceptions import ResponseError

from services.verify.checks import Check
from shared.bus_address import connect_blocking

ENTRIES_AT_A_TIME = 500
_DIGEST_BYTES = 32
_FIELD = b"__data__"
_NOWHERE = -1


class Window:
    """One topic or queue as it was found, to be held against the log in the order of its positions."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._positions = array("q")
        self._digests = bytearray()
        self._at = 0

    def __len__(self) -> int:
        return len(self._positions)

    def add(self, position: int, body: bytes) -> None:
        """Note an entry of the bus."""
        self._positions.append(position)
        self._digests += sha256(body).digest()

    def forget(self) -> None:
        """What was noted is on the bus no longer."""
        del self._positions[:], self._digests[:]

    def meet(self, check: Check, position: int, entry: bytes) -> None:
        """Compare with the next entry of the log that belongs here."""
        positions = self._positions
        while self._at < len(positions) and positions[self._at] < position:
            self._stray(check, positions[self._at])
            self._at += 1
        if self._at == len(positions):
            return
        if positions[self._at] == position:
            digest = self._digests[self._at * _DIGEST_BYTES : (self._at + 1) * _DIGEST_BYTES]
            if digest != sha256(entry).digest():
                check.fault(f"{self.key} has another entry at {position} than the log")
            self._at += 1
        elif self._at:
            check.fault(f"{self.key} skips {position}")

    def end(self, check: Check) -> None:
        """The log has ended: nothing may be left."""
        for position in self._positions[self._at :]:
            self._stray(check, position)

    def _stray(self, check: Check, position: int) -> None:
        what = "an entry of no position" if position == _NOWHERE else f"{position}"
        check.fault(f"{self.key} holds {what}, which its part of the log does not")


class Bus:
    """Every topic and queue that was found. `absent` tells why none was looked for, `silent` what went wrong."""

    def __init__(
        self, topics: Iterable[Window] = (), queues: Iterable[Window] = (), *, absent: str = "", silent: str = ""
    ) -> None:
        self.topics = {window.key: window for window in topics}
        self.queues = {window.key: window for window in queues}
        self.absent, self.silent = absent, silent


def read_bus(url: str) -> Bus:
    """Read all topics and queues. Raises what the client raises when the server does not answer."""
    with connect_blocking(url) as redis:
        return Bus(_windows(redis, "topic:*"), _windows(redis, "queue:*"))


def _windows(redis: Any, pattern: str) -> list[Window]:
    # A scan may name a key twice.
    keys = sorted(set(redis.scan_iter(pattern, count=1_000)))
    return [_window(redis, key) for key in keys]


def _window(redis: Any, key: bytes) -> Window:
    window = Window(key.decode(errors="replace"))
    after = b"-"
    while True:
        try:
            page, first = _page(redis, key, after)
        except ResponseError:
            # Another kind of key has taken the name.
            window.add(_NOWHERE, b"")
            return window
        if not page:
            return window
        if first[0][0] == page[0][0]:
            # What was read before has been trimmed meanwhile: the window begins here now.
            window.forget()
        for entry_id, fields in page:
            window.add(_position(entry_id), fields[_FIELD] if set(fields) == {_FIELD} else b"")
        after = b"(" + page[-1][0]


def _page(redis: Any, key: bytes, after: bytes) -> tuple[Any, Any]:
    """Some entries behind a place, and the first there is at that moment."""
    while True:
        first = redis.xrange(key, count=1)
        page = redis.xrange(key, min=after, count=ENTRIES_AT_A_TIME)
        # Not in a transaction, which a Cluster's client answers in other words: nothing was trimmed between the two.
        if redis.xrange(key, count=1) == first:
            return page, first


def _position(entry_id: bytes) -> int:
    position, _, part = entry_id.partition(b"-")
    return int(position) if part == b"0" else _NOWHERE
