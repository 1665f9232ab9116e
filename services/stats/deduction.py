"""What whoever holds a set of sums can work out of the cells that are missing in them: pure, and made for many cells.

Cells are numbers here, and an equation says which of them, added up with their signs, come to what is published.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from math import inf, isinf
from typing import NamedTuple

# Large enough that a number drawn from it is hardly ever zero by chance, and that elimination needs no fractions.
_PRIME = (1 << 61) - 1
_TURNS_MAX = 50
"""Bounds that draw nearer for ever, by less and less, are left alone after so many turns at one equation."""


class Equation(NamedTuple):
    """Missing cells with their signs, and what they come to."""

    signs: Mapping[int, int]
    value: int


def determined(equations: Sequence[Equation]) -> set[int]:
    """The cells that the equations have a single solution for.

    Two solutions differ by one of the same equations with nothing on their other side. One such is drawn by chance:
    where it is zero, all of them are.
    """
    system = _Eliminated(equations)
    drawn: dict[int, int] = {}
    for pivot, row in reversed(system.rows):
        known = 0
        for cell, factor in row.items():
            if cell != pivot:
                if cell not in drawn:
                    drawn[cell] = _by_chance(cell)
                known += factor * drawn[cell]
        drawn[pivot] = -known * pow(row[pivot], -1, _PRIME) % _PRIME
    return {pivot for pivot, _row in system.rows if not drawn[pivot]}


def _by_chance(cell: int) -> int:
    """A number that has nothing to do with any other cell's, and is the same wherever it is drawn."""
    return int.from_bytes(blake2b(cell.to_bytes(8, "big"), digest_size=8).digest(), "big") % (_PRIME - 1) + 1


class _Eliminated:
    """Equations solved for one cell each. A row names no cell that an earlier row was solved for."""

    def __init__(self, equations: Sequence[Equation]) -> None:
        self.rows: list[tuple[int, dict[int, int]]] = []
        self._left = {number: dict(equation.signs) for number, equation in enumerate(equations)}
        self._in: defaultdict[int, set[int]] = defaultdict(set)
        for number, row in self._left.items():
            for cell in row:
                self._in[cell].add(number)
        # Cells of a single equation first: to solve it for them changes no other one.
        self._alone = [cell for cell, numbers in self._in.items() if len(numbers) == 1]
        self._shortest = [(len(row), number) for number, row in self._left.items()]
        heapify(self._shortest)
        while self._left:
            self._solve(*self._next())

    def _next(self) -> tuple[int, int]:
        """The equation to solve, and for which cell: such that the others grow least."""
        while self._alone:
            cell = self._alone.pop()
            if len(self._in[cell]) == 1:
                return next(iter(self._in[cell])), cell
        while True:
            length, number = heappop(self._shortest)
            row = self._left.get(number)
            if row is not None and len(row) == length:
                return number, min(row, key=lambda cell: len(self._in[cell]), default=-1)

    def _solve(self, number: int, pivot: int) -> None:
        row = self._left.pop(number)
        if not row:
            return
        for cell in row:
            self._drop(cell, number)
        self.rows.append((pivot, row))
        inverse = pow(row[pivot], -1, _PRIME)
        for other in list(self._in[pivot]):
            self._subtract(other, row, self._left[other][pivot] * inverse % _PRIME)

    def _subtract(self, number: int, row: Mapping[int, int], times: int) -> None:
        other = self._left[number]
        for cell, factor in row.items():
            if cell not in other:
                other[cell] = -times * factor % _PRIME
                self._in[cell].add(number)
            elif left := (other[cell] - times * factor) % _PRIME:
                other[cell] = left
            else:
                del other[cell]
                self._drop(cell, number)
        heappush(self._shortest, (len(other), number))

    def _drop(self, cell: int, number: int) -> None:
        found = self._in[cell]
        found.discard(number)
        if len(found) == 1:
            self._alone.append(cell)


def bounds(equations: Sequence[Equation]) -> dict[int, tuple[int, float]]:
    """The least and the most that each cell can be, as far as equation after equation says; none is below zero."""
    around: defaultdict[int, list[int]] = defaultdict(list)
    for number, equation in enumerate(equations):
        for cell in equation.signs:
            around[cell].append(number)
    low = dict.fromkeys(around, 0)
    high: dict[int, float] = dict.fromkeys(around, inf)
    turns = [0] * len(equations)
    waiting = dict.fromkeys(range(len(equations)))
    ahead = deque(waiting)
    while ahead:
        number = ahead.popleft()
        del waiting[number]
        turns[number] += 1
        for cell in _tighten(equations[number], low, high):
            more = [one for one in around[cell] if one not in waiting and turns[one] < _TURNS_MAX]
            waiting.update(dict.fromkeys(more))
            ahead += more
    return {cell: (low[cell], high[cell]) for cell in around}


def _tighten(equation: Equation, low: dict[int, int], high: dict[int, float]) -> Iterable[int]:
    """Bring the bounds of an equation's cells as near as its other cells' bounds allow. Those that moved."""
    signs, value = equation
    least = {cell: low[cell] if sign > 0 else -high[cell] for cell, sign in signs.items()}
    most = {cell: high[cell] if sign > 0 else -low[cell] for cell, sign in signs.items()}
    least_others, most_others = _others(least), _others(most)
    moved = []
    for cell, sign in signs.items():
        smallest, largest = value - most_others[cell], value - least_others[cell]
        below, above = (smallest, largest) if sign > 0 else (-largest, -smallest)
        if below > low[cell] or above < high[cell]:
            moved.append(cell)
            low[cell], high[cell] = int(max(below, low[cell])), min(above, high[cell])
    return moved


def _others(ends: Mapping[int, float]) -> dict[int, float]:
    """What all others come to together, for each; without end where one of them has none."""
    endless = [cell for cell, end in ends.items() if isinf(end)]
    if len(endless) > 1:
        return dict.fromkeys(ends, ends[endless[0]])
    known = sum(end for end in ends.values() if not isinf(end))
    if endless:
        return {cell: known if cell == endless[0] else ends[endless[0]] for cell in ends}
    return {cell: known - end for cell, end in ends.items()}
