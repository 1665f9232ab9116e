"""How often somebody may ask, by a clock that the test turns."""

from contextlib import suppress

import pytest

from shared.access.rates import COUNTED_MAX, Rate, Rates
from shared.web.problems import Problem


class Clock:
    """Stands still until it is turned."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def asked(rates: Rates, key: bytes, times: int, rate: Rate) -> int:
    """How many of so many requests were let through."""
    through = 0
    for _ in range(times):
        with suppress(Problem):
            rates.take(key, rate)
            through += 1
    return through


def test_a_bucket_runs_empty_and_full_again() -> None:
    clock, rate = Clock(), Rate(a_second=2, burst=5)
    rates = Rates(clock)
    assert asked(rates, b"one", 9, rate) == 5
    with pytest.raises(Problem) as refusal:
        rates.take(b"one", rate)
    assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (429, "1")
    clock.now += 1.0
    assert asked(rates, b"one", 9, rate) == 2
    clock.now += 1_000.0
    assert asked(rates, b"one", 9, rate) == 5


def test_nobody_is_held_up_by_somebody_else() -> None:
    rates, rate = Rates(Clock()), Rate(a_second=1, burst=3)
    assert asked(rates, b"one", 9, rate) == 3
    assert asked(rates, b"other", 3, rate) == 3


@pytest.mark.parametrize("strangers", [COUNTED_MAX + 10])
def test_buckets_are_bounded(strangers: int) -> None:
    rates = Rates(Clock())
    for number in range(strangers):
        rates.take(b"%d" % number, Rate(1, 1))
    assert len(rates._buckets) == COUNTED_MAX
