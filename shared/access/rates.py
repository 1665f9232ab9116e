"""How many requests a second somebody may make where everybody says who they are: one bucket a token or session.

Who shows nothing is counted by address. Counted in memory, one set a process, so that a bus that was wiped opens
nothing; a restart forgives.
"""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from shared.web.problems import Problem

COUNTED_MAX = 20_000


class Rate(NamedTuple):
    """`burst` at once, and `a_second` from then on."""

    a_second: float
    burst: float


KNOWN = Rate(100, 2_000)
"""A machine that hands in a year's visits one by one is not held up; one that runs wild is."""
UNKNOWN = Rate(50, 1_000)
"""A whole house may sit behind one address, and signs in at nine."""


class Rates:
    """Buckets that run full again by themselves."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def take(self, key: bytes, rate: Rate) -> None:
        """One request more. Raises the 429 problem."""
        now = self._clock()
        left, since = self._buckets.pop(key, (rate.burst, now))
        left = min(rate.burst, left + (now - since) * rate.a_second)
        self._buckets[key] = (max(left - 1, 0.0), now)
        if len(self._buckets) > COUNTED_MAX:
            self._buckets.popitem(last=False)
        if left < 1:
            raise Problem(
                429, "too-many-requests", "Too many requests", "Slow down: send visits by /visits/batch.",
                headers={"Retry-After": "1"},
            )  # fmt: skip
