"""The push's share of the simulation: hundreds of houses under fire, each from a seed, none of which loses anything."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation.plan import Plan, draw
from tests.simulation.shrink import shrink

ROOT = Path(__file__).parents[2]
SEEDS = 250
AT_ONCE = 2


def simulation(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line of the simulation, played to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *words],
        cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.timeout(900)
def test_no_seed_loses_anything_and_every_stage_is_struck(record_property: Callable[[str, object], None]) -> None:
    played = simulation("--seeds", str(SEEDS), "--at-once", str(AT_ONCE), "--whole")
    assert played.returncode == 0, played.stdout + played.stderr
    record_property("told", played.stdout.splitlines())


def test_a_seed_is_the_same_run_each_time() -> None:
    once, again = (simulation("--seed", "7").stdout for _ in range(2))
    assert once == again
    assert " steps" in once


def test_a_failure_is_made_small() -> None:
    plan = draw(3)
    needed = plan.faults[0], plan.visits[1]

    def fails(smaller: Plan) -> bool:
        return needed[0] in smaller.faults and needed[1] in smaller.visits

    small = shrink(plan, fails)
    assert (small.faults, small.visits) == ((needed[0],), (needed[1],))
    assert Plan.of(json.loads(json.dumps(small.document()))) == small
