"""A harness that cannot fail is worth nothing: each planted fault is found, under its own name."""

from collections.abc import Callable

import pytest

from tests.simulation.planted import PLANTED
from tests.simulation.test_simulation import AT_ONCE, simulation

SEEDS = 250
"""Most are found by the first; some need a death at one moment of many."""


@pytest.mark.timeout(900)
def test_each_planted_fault_is_found_by_its_name(record_property: Callable[[str, object], None]) -> None:
    played = simulation("--planted", "--seeds", str(SEEDS), "--at-once", str(AT_ONCE))
    assert played.stdout, played.stderr
    told = dict(line.split(": ", 1) for line in played.stdout.splitlines())
    missed = [name for name, planted in PLANTED.items() if not told[name].startswith(f"{planted.found}, by seed ")]
    assert not missed, played.stdout
    record_property("told", [f"{len(PLANTED)} planted faults of {len(PLANTED)} found by name"])
