"""The figures of many runs: what was tried, and what was lost."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.simulation.plan import CRASH_POINTS, KINDS, Plan
from tests.simulation.run import Report

_DIVIDED = {
    "kill": ("kill intake", "kill referral", "kill stats"),
    "crash": tuple(f"crash {point}" for point in CRASH_POINTS),
    "bus restarts": ("bus restarts empty", "bus restarts older", "bus restarts same"),
}
STAGES = (*(stage for kind in KINDS for stage in _DIVIDED.get(kind, (kind,))), "days pass")
"""Every way in which a house can be struck: a batch in which one of them met nothing proves nothing of it."""


@dataclass
class Table:
    """Filled in run by run."""

    runs: int = 0
    visits: int = 0
    steps: dict[int, int] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    survived: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[Plan, Report]] = field(default_factory=list)

    def add(self, plan: Plan, report: Report) -> None:
        """One more run."""
        self.runs += 1
        self.visits += report.visits
        self.steps[plan.seed] = report.steps
        self.struck.update(report.struck)
        if report.findings:
            self.failed.append((plan, report))
        else:
            self.survived.update(report.struck)

    @property
    def unmet(self) -> list[str]:
        """The stages that nothing struck."""
        return [stage for stage in STAGES if not self.struck[stage]]

    def lines(self) -> Iterable[str]:
        """For people to read."""
        yield f"{'fault':40}{'tried':>8}{'survived':>10}"
        for stage in STAGES:
            yield f"{stage:40}{self.struck[stage]:>8,}{self.survived[stage]:>10,}"
        yield ""
        steps = sum(self.steps.values())
        yield f"{self.runs:,} runs, {self.visits:,} visits, {steps:,} steps, {self.struck.total():,} faults"
        for fault, times in _lost(self.failed):
            yield f"{fault}: {times:,}"
        if not self.failed:
            yield "lost 0, doubled 0, out of order 0, figures that differ 0"


def _lost(failed: Sequence[tuple[Plan, Report]]) -> list[tuple[str, int]]:
    return Counter(finding.fault for _, report in failed for finding in report.findings).most_common()
