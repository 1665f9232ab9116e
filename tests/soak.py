"""`python -m tests.soak`, or `make soak`: everything that strikes a house, for an hour, and a table of what came of it.

Seeds of the simulation are played while the power is cut, planted faults are looked for, and a house of processes is
struck on SQLite, then on PostgreSQL. MINUTES says how long. Status 1 when anything was lost, or when in a
whole hour some fault met nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from typer import echo

from tests.simulation.table import STAGES
from tests.system.strikes import STRIKES

MINUTES = 60.0
SEEDS_AN_HOUR = 20_000
SEEDS_WHOLE = 400
"""So many leave no kind of fault out."""
POWER_CUTS = "2000"
ROOT = Path(__file__).parents[1]
CONTROLS = (
    "tests/system/test_power_loss.py",
    "tests/system/test_chaos.py",
    "tests/simulation/test_planted.py",
    "tests/service/test_planted.py",
)


def main() -> int:
    """Run it all, and tell."""
    minutes = float(os.environ.get("MINUTES") or MINUTES)
    with tempfile.TemporaryDirectory(prefix="maison-soak-") as name:
        folder = Path(name)
        statuses = _played(minutes, folder)
        return 1 if _told(folder, minutes) or any(statuses) else 0


def _played(minutes: float, folder: Path) -> list[int]:
    """Both halves beside each other; how each ended."""
    number = int(SEEDS_AN_HOUR * minutes / 60)
    seeds = ["--seeds", str(number), "--first", str(_first()), *(["--whole"] if number >= SEEDS_WHOLE else [])]
    # Two at once: the processes beside them spend most of their time waiting.
    counts = ["--at-once", "2", "--counts", str(folder / "simulation.json")]
    simulation = subprocess.Popen([sys.executable, "-m", "tests.simulation", *seeds, *counts], cwd=ROOT)
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly"]
    outside = {
        **os.environ,
        "MAISON_POWER_CUTS": POWER_CUTS,
        "MAISON_SOAK_MINUTES": str(minutes / 2),
        "MAISON_SOAK_COUNTS": str(folder),
    }
    controls = subprocess.run([*pytest, *CONTROLS], cwd=ROOT, env=outside, check=False)
    processes = subprocess.run([*pytest, "-m", "soak", "tests/system/test_soak.py"], cwd=ROOT, env=outside, check=False)
    return [simulation.wait(), controls.returncode, processes.returncode]


def _first() -> int:
    """Seeds that no push has played: another million for each soak."""
    return int.from_bytes(os.urandom(3)) * 1_000_000


def _told(folder: Path, minutes: float) -> list[str]:
    """Print the table; what met nothing although there was time."""
    tried: Counter[str] = Counter()
    survived: Counter[str] = Counter()
    for path in sorted(folder.glob("*.json")):
        counts = json.loads(path.read_text())
        echo(f"{path.stem}: {counts['runs']:,} runs, {counts['visits']:,} visits acknowledged")
        tried.update(counts["struck"])
        survived.update(counts["survived"])
    echo(f"\n{'fault':40}{'tried':>10}{'survived':>10}{'lost':>8}")
    for fault in (*STAGES, *STRIKES):
        echo(f"{fault:40}{tried[fault]:>10,}{survived[fault]:>10,}{tried[fault] - survived[fault]:>8,}")
    unmet = [fault for fault in (*STAGES, *STRIKES) if not tried[fault]] if minutes >= MINUTES else []
    if unmet:
        echo(f"vacuous: nothing was struck by {', '.join(unmet)}")
    return unmet


if __name__ == "__main__":
    sys.exit(main())
