"""What a figure is: a measurement of the house, and mostly the limit beside it that it is judged by."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

Measure = Callable[[int], float]
ROUNDS = 3


@dataclass(frozen=True)
class Figure:
    """`count` events (or requests) a measurement, `quick_count` when only a first look is wanted.

    `goal` is for the ratio ours / limit, or for ours itself where there is no limit: at least that much for a
    rate, at most that much for a latency or a size. `rounds` is 1 where ours is a median already.
    """

    name: str
    limit: Measure | None
    ours: Measure
    count: int
    quick_count: int
    goal: float
    unit: str = "/s"
    at_most: bool = False
    rounds: int = ROUNDS


@dataclass(frozen=True)
class Result:
    """Medians of the rounds."""

    figure: Figure
    limit: float | None
    ours: float

    @property
    def ratio(self) -> float | None:
        """Ours in parts of the limit; None where the goal is for ours itself."""
        return None if self.limit is None else self.ours / self.limit

    @property
    def ok(self) -> bool:
        """Whether the goal is reached."""
        judged = self.ours if self.ratio is None else self.ratio
        return judged <= self.figure.goal if self.figure.at_most else judged >= self.figure.goal


def measure(figure: Figure, *, quick: bool) -> Result:
    """Limit and ours in turn, so that a machine that slows down slows both; medians over the rounds."""
    count = figure.quick_count if quick else figure.count
    limits, ours = [], []
    for _ in range(figure.rounds):
        if figure.limit is not None:
            limits.append(_undisturbed(figure.limit, count))
        ours.append(_undisturbed(figure.ours, count))
    return Result(figure, median(limits) if limits else None, median(ours))


def _undisturbed(measured: Measure, count: int) -> float:
    # The garbage collector would walk what earlier measurements left behind again and again: raw reads were
    # seen to lose a third of their speed to it.
    gc.collect()
    gc.freeze()
    threshold = gc.get_threshold()
    try:
        return measured(count)
    finally:
        gc.unfreeze()
        # The house's own setting is the house's: the limits are measured with Python's.
        gc.set_threshold(*threshold)
