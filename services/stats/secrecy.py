"""Which cells of a set of tables are withheld so that nobody can be recognised: small ones, and what betrays them.

A cell is small when it counts at least one and fewer than `k`. Withholding it alone would not help: its row's total
less the other cells is its value. So others go with it, until neither subtraction in any number of steps nor the
knowledge that counts are not negative narrows a withheld cell down to a range of fewer than `k` values. Each cell may
have a `k` of its own: that of the table that it stands in, or that under which it was published before.

The tables are given as sums (a total and its parts), which is all that an attacker has to go by: nested tables,
periods within periods and sites within all sites are sums like any other.
Terms after Hundepool et al., "Statistical Disclosure Control": primary and secondary suppression, feasibility interval.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from services.stats.deduction import Equation, bounds, determined
from shared.catalogue import K_DEFAULT, K_MIN

Cell = TypeVar("Cell", bound=Hashable)

CELLS_PROTECTED_BY_ONE = 2
"""Of cells that are given away together, as a rule one more that is withheld protects several."""


class Sum(NamedTuple, Generic[Cell]):
    """The total counts exactly what its parts count together."""

    total: Cell
    parts: tuple[Cell, ...]


def withheld(
    counts: Mapping[Cell, int],
    sums: Sequence[Sum[Cell]],
    k: int | Mapping[Cell, int] = K_DEFAULT,
    known: Collection[Cell] = (),
    kept: Collection[Cell] = (),
) -> frozenset[Cell]:
    """The cells not to be published. Every cell that a sum names has a count; `k`, of all or by cell, is 5 at least.

    `known` were published before and cannot be taken back; `kept` were withheld before and stay so.
    Raises `ValueError` when a sum does not add up: nothing may be published from tables that disagree.
    """
    k_of = dict.fromkeys(counts, k) if isinstance(k, int) else k
    if (least := min(k_of.values(), default=K_MIN)) < K_MIN:
        raise ValueError(f"k is {least}: cells below {K_MIN} are never published")
    for one in sums:
        if counts[one.total] != sum(counts[part] for part in one.parts):
            raise ValueError(f"{one.total} is {counts[one.total]}, and not what its parts are together")
    cells = list(counts)
    numbers = {cell: number for number, cell in enumerate(cells)}
    table = _Table(
        list(counts.values()),
        [(numbers[one.total], [numbers[part] for part in one.parts]) for one in sums],
        [k_of[cell] for cell in cells],
        {numbers[cell] for cell in known},
    )
    for number, (cell, count) in enumerate(counts.items()):
        if 0 < count < table.k[number] and cell not in known:
            table.hide(number)
    for cell in kept:
        table.hide(numbers[cell])
    while table.hide_another():
        pass
    return frozenset(cells[number] for number in table.hidden)


class _Table:
    """Cells and sums by numbers, in the order in which they were given: withheld alike wherever it is done."""

    def __init__(self, counts: list[int], sums: list[tuple[int, list[int]]], k: list[int], known: set[int]) -> None:
        self.counts, self.k = counts, k
        self.hidden: dict[int, int] = {}
        """Each with its place in the order in which they were withheld."""
        self._sums = sums
        self._around: list[list[int]] = [[] for _ in counts]
        for number, (total, parts) in enumerate(sums):
            for cell in (total, *parts):
                self._around[cell].append(number)
        self._known = self._with_what_follows(known)
        # Sums that a cell was withheld from since they were looked at: the first in their order first.
        self._changed: list[int] = []
        # Cells that were withheld since what hangs together with them was looked at.
        self._fresh: list[int] = []

    def _with_what_follows(self, known: set[int]) -> set[int]:
        """What was published before, and what that comes to: nothing can be hidden behind either."""
        found, ahead = set(known), sorted(known)
        missing = [1 + len(parts) for _total, parts in self._sums]
        for cell in ahead:
            for number in self._around[cell]:
                missing[number] -= 1
                if missing[number] == 1:
                    total, parts = self._sums[number]
                    last = {total, *parts} - found
                    found |= last
                    ahead += last
        return found

    def hide(self, cell: int) -> None:
        """Withhold a cell."""
        if cell not in self.hidden:
            self.hidden[cell] = len(self.hidden)
            self._fresh.append(cell)
            for number in self._around[cell]:
                heappush(self._changed, number)

    def hide_another(self) -> bool:
        """Withhold more, where anything is given away that more can protect. False = nothing is."""
        while self._changed:
            number = heappop(self._changed)
            if self._exposes(number) and self._hide_in(*self._sums[number]):
                return True
        while self._fresh:
            together, numbers = self._hanging_together(self._fresh.pop())
            if self._hide_about(self._given_away(numbers)):
                return True
            self._fresh = [cell for cell in self._fresh if cell not in together]
        return False

    def _exposes(self, number: int) -> bool:
        """Whether a sum gives a withheld cell away by itself: it is alone in it, or with too few others."""
        total, parts = self._sums[number]
        hidden = [part for part in parts if part in self.hidden]
        if total in self.hidden:
            return not hidden
        together = sum(self.counts[part] for part in hidden)
        return len(hidden) == 1 or any(together < self.k[part] for part in hidden)

    def _hide_in(self, total: int, parts: Sequence[int]) -> bool:
        """Withhold the smallest cell of a sum that can be, its total only when no part is left."""
        beside = [part for part in parts if part not in self.hidden and part not in self._known and self.counts[part]]
        another = min(beside, key=lambda part: self.counts[part]) if beside else total
        if another in self.hidden or another in self._known:
            return False
        self.hide(another)
        return True

    def _hanging_together(self, cell: int) -> tuple[set[int], list[int]]:
        """All withheld cells that sums tie to this one, and these sums: what is worked out of others says nothing."""
        together, ahead, numbers = {cell}, [cell], set[int]()
        for one in ahead:
            for number in self._around[one]:
                if number not in numbers:
                    numbers.add(number)
                    total, parts = self._sums[number]
                    beside = [each for each in (total, *parts) if each in self.hidden and each not in together]
                    together.update(beside)
                    ahead += beside
        return together, sorted(numbers)

    def _given_away(self, numbers: Sequence[int]) -> list[int]:
        """The cells that these sums together give away, exactly or nearly."""
        equations = [self._equation(*self._sums[number]) for number in numbers]
        found = determined(equations) or {
            cell for cell, (low, high) in bounds(equations).items() if high - low < self.k[cell] - 1
        }
        return sorted(found, key=lambda cell: self.hidden[cell])

    def _equation(self, total: int, parts: Sequence[int]) -> Equation:
        signs = {part: 1 for part in parts if part in self.hidden}
        value = sum(self.counts[part] for part in signs)
        if total in self.hidden:
            signs[total] = -1
            value -= self.counts[total]
        return Equation(signs, value)

    def _hide_about(self, exposed: Sequence[int]) -> bool:
        """Withhold something in the sums around such cells, the smallest sum first.

        Or a total that bounds them from afar, by way of others that are withheld: where all around is withheld already
        they are what is left to hide. One for every few cells at a time: to work out what is left costs as much as all.
        """
        before, left = len(self.hidden), set(exposed)
        around = dict.fromkeys(number for cell in exposed for number in self._around[cell])
        for number in sorted(around, key=lambda one: self.counts[self._sums[one][0]]):
            total, parts = self._sums[number]
            here = left.intersection((total, *parts))
            if sum(self._hide_in(total, parts) for _ in range(_share(here))):
                left -= here
        if len(self.hidden) == before:
            hidden = (self._hide_in(total, ()) for total in self._totals_about(exposed))
            return any(list(islice(filter(None, hidden), _share(exposed))))
        return True

    def _totals_about(self, cells: Iterable[int]) -> Iterator[int]:
        """The totals that are published and bound these cells, or what is withheld beside them; nearest first."""
        seen, ahead = set[int](), dict.fromkeys(cells)
        for cell in (walk := list(ahead)):
            for number in self._around[cell]:
                if number not in seen:
                    seen.add(number)
                    total, parts = self._sums[number]
                    if total not in self.hidden:
                        yield total
                    beyond = [each for each in (total, *parts) if each in self.hidden and each not in ahead]
                    ahead.update(dict.fromkeys(beyond))
                    walk += dict.fromkeys(beyond)


def _share(cells: Collection[int]) -> int:
    """How many others to withhold at once for so many cells that are given away."""
    return -(-len(cells) // CELLS_PROTECTED_BY_ONE)
