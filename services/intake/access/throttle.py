"""How often a password may be guessed. Nobody can lock somebody else out by guessing.

Failures are counted for three things: an account from one address, an account from everywhere, and an address. Who
comes from an address that signed in to this account lately is not held up by what others fail at elsewhere. Counted
in memory: a restart forgives, and costs whoever guesses more than it gives.
"""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from shared.web.problems import Problem

WINDOW_S = 60.0
HERE_MAX = 5
"""Failures a window for one account from one address."""
EVERYWHERE_MAX = 20
"""For one account from all addresses that have not signed in to it lately."""
ADDRESS_MAX = 60
"""For one address: a whole house may sit behind one."""
TRUSTED_S = 30 * 24 * 3600.0
COUNTED_MAX = 20_000


class Throttle:
    """Counts failures."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[tuple[str, ...], tuple[int, float]] = OrderedDict()
        self._trusted: OrderedDict[tuple[str, str], float] = OrderedDict()

    def begin(self, login: str, address: str) -> None:
        """Count a try as wrong until it turns out right. Raises the 429 problem when it may not be made now."""
        here, everywhere, anyone = _keys(login, address)
        bounds = [(here, HERE_MAX), (anyone, ADDRESS_MAX)]
        if self._clock() - self._trusted.get((login, address), -TRUSTED_S) >= TRUSTED_S:
            bounds.append((everywhere, EVERYWHERE_MAX))
        wait_s = max(self._wait_s(key, most) for key, most in bounds)
        if wait_s > 0:
            raise Problem(
                429, "too-many-tries", "Too many wrong tries", "Wait a minute, then try again.",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )  # fmt: skip
        # Counted before it is compared: many tries at one moment are many.
        for key in (here, everywhere, anyone):
            self._add(key, 1)
        while len(self._failures) > COUNTED_MAX:
            self._failures.popitem(last=False)

    def succeeded(self, login: str, address: str) -> None:
        """The try was right: this address is one where the account is used."""
        here, everywhere, anyone = _keys(login, address)
        self._failures.pop(here, None)
        for key in (everywhere, anyone):
            self._add(key, -1)
        self._trusted[login, address] = self._clock()
        self._trusted.move_to_end((login, address))
        while len(self._trusted) > COUNTED_MAX:
            self._trusted.popitem(last=False)

    def _add(self, key: tuple[str, ...], number: int) -> None:
        count, since = self._count(key)
        self._failures[key] = (max(count + number, 0), since)
        self._failures.move_to_end(key)

    def _wait_s(self, key: tuple[str, ...], most: int) -> float:
        count, since = self._count(key)
        return since + WINDOW_S - self._clock() if count >= most else 0.0

    def _count(self, key: tuple[str, ...]) -> tuple[int, float]:
        now = self._clock()
        count, since = self._failures.get(key, (0, now))
        return (count, since) if now - since < WINDOW_S else (0, now)


def _keys(login: str, address: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    return ("here", login, address), ("everywhere", login), ("address", address)
