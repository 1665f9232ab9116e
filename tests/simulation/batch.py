"""Many runs: each in a child process of its own, so that each begins alike and leaves nothing behind."""

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.auditing import Finding
from tests.simulation.plan import Plan
from tests.simulation.premises import Ground
from tests.simulation.run import Report, carry_out

RUN_S_MAX = 120
"""Real seconds. A run takes a fraction of one; who takes longer goes round in circles."""
MEMORY = Path("/dev/shm")


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for databases that nobody will miss."""
    return tempfile.TemporaryDirectory(prefix="maison-simulation-", dir=MEMORY if MEMORY.is_dir() else None)


class _Run:
    """One run in a child process, begun and perhaps not finished."""

    def __init__(self, plan: Plan, ground: Ground, folder: Path, before: Callable[[], None] | None) -> None:
        self._plan = plan
        self._data = Path(tempfile.mkdtemp(dir=folder))
        reading, writing = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(reading)
            _play_and_vanish(plan, ground, self._data, before, writing)
        os.close(writing)
        self._pipe = os.fdopen(reading, "rb")

    def finish(self) -> Report:
        """Wait for it."""
        with self._pipe:
            told = self._pipe.read()
        _, status = os.waitpid(self._child, 0)
        shutil.rmtree(self._data)
        if not told:
            failed = Finding("the run itself failed", f"it ended with status {status}")
            return Report([failed], {}, len(self._plan.visits), 0)
        findings, struck, visits, steps = json.loads(told)
        return Report([Finding(*finding) for finding in findings], struck, visits, steps)


def play(plan: Plan, ground: Ground, folder: Path, before: Callable[[], None] | None = None) -> Report:
    """One run. `before` is called in its process first: it may change whatever it likes there."""
    return _Run(plan, ground, folder, before).finish()


def plays(
    plans: Iterator[Plan], ground: Ground, folder: Path, before: Callable[[], None] | None = None, at_once: int = 1
) -> Iterator[tuple[Plan, Report]]:
    """One run after the other, or several at once; told in the order of the plans."""
    begun: deque[tuple[Plan, _Run]] = deque()
    try:
        for plan in plans:
            begun.append((plan, _Run(plan, ground, folder, before)))
            if len(begun) == at_once:
                first, run = begun.popleft()
                yield first, run.finish()
        while begun:
            first, run = begun.popleft()
            yield first, run.finish()
    finally:
        # Whoever has heard enough leaves runs behind that are not finished.
        for _, run in begun:
            run.finish()


def _play_and_vanish(plan: Plan, ground: Ground, data: Path, before: Callable[[], None] | None, writing: int) -> None:
    status = 1
    try:
        signal.alarm(RUN_S_MAX)
        # It will not live long enough for its garbage to be in the way.
        gc.disable()
        if before:
            before()
        report = carry_out(plan, ground, data)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(json.dumps(report).encode())
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        # Tasks that were killed in mid-air are not to be cleaned up: the dead do nothing.
        os._exit(status)
