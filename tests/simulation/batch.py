"""Many runs, in child processes: a few in a row in each, so that they leave nothing behind where they were begun."""

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from tests.auditing import Finding
from tests.simulation.plan import Plan
from tests.simulation.premises import Ground
from tests.simulation.run import Report, carry_out

RUN_S_MAX = 120
"""Real seconds. A run takes a fraction of one; who takes longer goes round in circles."""
IN_A_ROW = 8
"""Runs of one child: a fork costs a quarter of a run, and what is dead is kept in memory until the child ends."""
MEMORY = Path("/dev/shm")


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for databases that nobody will miss."""
    return tempfile.TemporaryDirectory(prefix="maison-simulation-", dir=MEMORY if MEMORY.is_dir() else None)


class _Child:
    """A few runs in a process of their own, begun and perhaps not finished."""

    def __init__(
        self, plans: Sequence[Plan], ground: Ground, folder: Path, before: Callable[[], None] | None = None
    ) -> None:
        self.plans = plans
        self._data = Path(tempfile.mkdtemp(dir=folder))
        reading, writing = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(reading)
            _play_and_vanish(plans, ground, self._data, before, writing)
        os.close(writing)
        self._pipe = os.fdopen(reading, "rb")

    def finish(self) -> list[Report]:
        """Wait for it: as many reports as plans, unless it died on the way; then the last tells of that."""
        with self._pipe:
            reports = [_read(line) for line in self._pipe]
        _, status = os.waitpid(self._child, 0)
        shutil.rmtree(self._data)
        if len(reports) < len(self.plans):
            failed = Finding("the run itself failed", f"it ended with status {status}")
            reports.append(Report([failed], {}, len(self.plans[len(reports)].visits), 0))
        return reports


def play(plan: Plan, ground: Ground, folder: Path, before: Callable[[], None] | None = None) -> Report:
    """One run. `before` is called in its process first: it may change whatever it likes there."""
    return _Child([plan], ground, folder, before).finish()[0]


def plays(
    plans: Iterator[Plan], ground: Ground, folder: Path, before: Callable[[], None] | None = None, at_once: int = 1
) -> Iterator[tuple[Plan, Report]]:
    """One run after the other, or several at once; told in the order of the plans."""
    for [plan], [report] in _finished(([plan] for plan in plans), ground, folder, before, at_once):
        yield plan, report


def plays_in_a_row(
    plans: Iterator[Plan], ground: Ground, folder: Path, at_once: int = 1
) -> Iterator[tuple[Plan, Report]]:
    """The same for less, where nothing is planted. What fails is played again alone: it has to fail there as well."""
    rows = iter(lambda: list(islice(plans, IN_A_ROW)), [])
    for row, reports in _finished(rows, ground, folder, None, at_once):
        for plan, report in zip(row, reports, strict=False):
            yield plan, (_confirmed(play(plan, ground, folder), report) if report.findings else report)
        for plan in row[len(reports) :]:
            # Those behind one that took its process with it.
            yield plan, play(plan, ground, folder)


def _confirmed(alone: Report, in_a_row: Report) -> Report:
    if alone.findings:
        return alone
    return in_a_row._replace(findings=[*in_a_row.findings, Finding("fails only after other runs", "not alone")])


def _finished(
    rows: Iterator[list[Plan]], ground: Ground, folder: Path, before: Callable[[], None] | None, at_once: int
) -> Iterator[tuple[Sequence[Plan], list[Report]]]:
    begun: deque[_Child] = deque()
    try:
        for row in rows:
            begun.append(_Child(row, ground, folder, before))
            if len(begun) == at_once:
                child = begun.popleft()
                yield child.plans, child.finish()
        while begun:
            child = begun.popleft()
            yield child.plans, child.finish()
    finally:
        # Whoever has heard enough leaves runs behind that are not finished.
        for child in begun:
            child.finish()


def _play_and_vanish(
    plans: Sequence[Plan], ground: Ground, data: Path, before: Callable[[], None] | None, writing: int
) -> None:
    status = 1
    try:
        # It will not live long enough for its garbage to be in the way.
        gc.disable()
        if before:
            before()
        with os.fdopen(writing, "wb") as pipe:
            for number, plan in enumerate(plans):
                signal.alarm(RUN_S_MAX)
                folder = data / str(number)
                folder.mkdir()
                pipe.write(json.dumps(carry_out(plan, ground, folder)).encode() + b"\n")
                pipe.flush()
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        # Tasks that were killed in mid-air are not to be cleaned up: the dead do nothing.
        os._exit(status)


def _read(line: bytes) -> Report:
    findings, struck, visits, steps = json.loads(line)
    return Report([Finding(*finding) for finding in findings], struck, visits, steps)
