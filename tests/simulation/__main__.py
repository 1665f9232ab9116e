"""`python -m tests.simulation`: play seeds and print what came of them; status 1 when something was lost.

`--seeds 1000` plays as many, from `--first` on. `--seed 57` plays one, and shrinks it if it fails; `--plan FILE`
plays a plan that was kept; `--planted` tries the harness itself. The same seed is the same run, to the last step.
"""

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from typer import echo

from tests.simulation.batch import play, plays, plays_in_a_row, scratch
from tests.simulation.plan import Plan, draw
from tests.simulation.planted import PLANTED, Planted
from tests.simulation.premises import Ground
from tests.simulation.run import Report
from tests.simulation.shrink import shrink
from tests.simulation.table import Table

FAILURES_MAX = 3
"""After so many the rest would say nothing new."""
FINDINGS_TOLD = 5


def main() -> int:
    """Play, tell, and say by the status how it went."""
    asked = _asked()
    with scratch() as name:
        folder = Path(name)
        (folder / "ground").mkdir()
        ground = Ground.prepared(folder / "ground")
        # What is there before the first run is never looked through again, and stays shared with each of them.
        gc.collect()
        gc.freeze()
        return _planted(asked, ground, folder) if asked.planted else _as_it_is(asked, ground, folder)


def _as_it_is(asked: argparse.Namespace, ground: Ground, folder: Path) -> int:
    table = Table()
    for plan, report in plays_in_a_row(_plans(asked), ground, folder, asked.at_once):
        table.add(plan, report)
        if len(table.failed) >= FAILURES_MAX:
            break
    _tell(table, asked, lambda plan: play(plan, ground, folder).findings)
    vacuous = table.unmet if asked.whole and not table.failed else []
    if vacuous:
        echo(f"vacuous: nothing was struck by {', '.join(vacuous)}")
    return 1 if table.failed or vacuous else 0


def _planted(asked: argparse.Namespace, ground: Ground, folder: Path) -> int:
    """Each planted fault is looked for until it is found by its own name."""
    missed = 0
    for name, planted in PLANTED.items():
        struck = (plan for plan in _plans(asked) if not planted.struck_by or _is_struck(plan, planted.struck_by))
        seed = _found_by(planted, plays(struck, ground, folder, planted.plant, asked.at_once))
        echo(f"{name}: {'missed' if seed is None else f'{planted.found}, by seed {seed}'}")
        missed += seed is None
    return 1 if missed else 0


def _found_by(planted: Planted, runs: Iterator[tuple[Plan, Report]]) -> int | None:
    for plan, report in runs:
        if any(finding.fault == planted.found for finding in report.findings):
            return plan.seed
    return None


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--plan", type=Path)
    parser.add_argument("--planted", action="store_true", help="plant faults in the house itself, and find them")
    parser.add_argument("--whole", action="store_true", help="fail when a kind of fault met nothing")
    parser.add_argument("--counts", type=Path, help="where to write what was tried, as JSON")
    return parser.parse_args()


def _plans(asked: argparse.Namespace) -> Iterator[Plan]:
    if asked.plan:
        yield Plan.of(json.loads(asked.plan.read_text()))
    elif asked.seed is not None:
        yield draw(asked.seed)
    else:
        yield from map(draw, range(asked.first, asked.first + asked.seeds))


def _is_struck(plan: Plan, kind: str) -> bool:
    return not kind or any(fault.kind == kind for fault in plan.faults)


def _tell(table: Table, asked: argparse.Namespace, findings: Callable[[Plan], object]) -> None:
    for line in table.lines():
        echo(line)
    for plan, report in table.failed:
        echo(f"\nseed {plan.seed} failed:")
        for finding in report.findings[:FINDINGS_TOLD]:
            echo(f"  {finding}")
    if table.failed:
        plan = shrink(table.failed[0][0], lambda smaller: bool(findings(smaller)))
        echo(f"\nthe least that fails of seed {plan.seed}, to be kept in a file and played by --plan:")
        echo(json.dumps(plan.document()))
    if asked.counts:
        document = {part: getattr(table, part) for part in ("runs", "visits", "steps", "struck", "survived")}
        asked.counts.write_text(json.dumps(document))


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # The order of a set would be another one in each process, and with it the run.
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
