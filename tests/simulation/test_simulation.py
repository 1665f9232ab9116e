"""The push's share of the simulation: a thousand houses under fire, each from a seed, none of which loses anything."""

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
SEEDS = 1_000
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


def test_a_seed_is_the_same_run_alone_and_after_others(tmp_path: Path) -> None:
    alone = _steps(tmp_path / "alone.json", "--seed", "7")
    after_others = _steps(tmp_path / "after-others.json", "--first", "5", "--seeds", "3")
    assert alone["7"] == after_others["7"]


def _steps(counts: Path, *words: str) -> dict[str, int]:
    """How many steps each run took."""
    played = simulation(*words, "--counts", str(counts))
    assert played.returncode == 0, played.stdout + played.stderr
    steps: dict[str, int] = json.loads(counts.read_text())["steps"]
    return steps


def test_a_failure_is_made_small() -> None:
    plan = draw(3)
    needed = plan.faults[0], plan.visits[1]

    def fails(smaller: Plan) -> bool:
        return needed[0] in smaller.faults and needed[1] in smaller.visits

    small = shrink(plan, fails)
    assert (small.faults, small.visits) == ((needed[0],), (needed[1],))
    assert Plan.of(json.loads(json.dumps(small.document()))) == small
