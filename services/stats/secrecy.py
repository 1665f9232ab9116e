"""Which cells of a set of tables are withheld so that nobody can be recognised: small ones, and what betrays them.

A cell is small when it counts at least one and fewer than `k`. Withholding it alone would not help: its row's total
less the other cells is its value. So others go with it, until neither subtraction in any number of steps nor the
knowledge that counts are not negative narrows a withheld cell down to a range of fewer than `k` values. Each cell may
have a `k` of its own: that of the table that it stands in, or that under which it was published before.

The tables are given as sums (a total and its parts), which is all that an attacker has to go by: nested tables,
periods within periods and sites within all sites are sums like any other.
Terms after Hundepool et al., "Statistical Disclosure Control": primary and secondary suppression, feasibility interval.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from shared.catalogue import K_DEFAULT, K_MIN

Cell = TypeVar("Cell", bound=Hashable)

# Large enough that two different fractions are hardly ever one number, so that elimination needs no fractions.
_PRIME = (1 << 61) - 1
_ROUNDS_OF_BOUNDS_MAX = 50


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
    # In the order of the cells, not of their hashes: the same tables are published alike wherever it is done.
    small = (cell for cell, count in counts.items() if 0 < count < k_of[cell] and cell not in known)
    hidden = dict.fromkeys((*small, *kept))
    by_cell = _sums_by_cell(sums)
    while exposed := _in_one_step(counts, sums, hidden, k_of) or _in_many_steps(counts, sums, by_cell, hidden, k_of):
        if not any(_hide_another(counts, one, hidden, known) for one in exposed):
            # Nothing is left to hide it behind: an attacker learns only what no table says.
            break
    return frozenset(hidden)


def _sums_by_cell(sums: Iterable[Sum[Cell]]) -> Mapping[Cell, list[Sum[Cell]]]:
    found: defaultdict[Cell, list[Sum[Cell]]] = defaultdict(list)
    for one in sums:
        for cell in (one.total, *one.parts):
            found[cell].append(one)
    return found


def _in_one_step(
    counts: Mapping[Cell, int], sums: Iterable[Sum[Cell]], hidden: dict[Cell, None], k_of: Mapping[Cell, int]
) -> list[Sum[Cell]]:
    """The sums that give a withheld cell away by themselves: it is alone in them, or with too few others."""
    exposing = []
    for one in sums:
        parts = [part for part in one.parts if part in hidden]
        if one.total in hidden:
            exposes = not parts
        else:
            together = sum(counts[part] for part in parts)
            exposes = len(parts) == 1 or any(together < k_of[part] for part in parts)
        if exposes:
            exposing.append(one)
    return exposing


def _in_many_steps(
    counts: Mapping[Cell, int],
    sums: Sequence[Sum[Cell]],
    by_cell: Mapping[Cell, Sequence[Sum[Cell]]],
    hidden: dict[Cell, None],
    k_of: Mapping[Cell, int],
) -> list[Sum[Cell]]:
    """The sums around cells that several sums together give away, exactly or nearly; the smallest sums first.

    Behind them the totals that bound such cells from afar, by way of others that are withheld: where all around is
    withheld already they are what is left to hide.
    """
    equations = list(_equations(counts, sums, hidden))
    found = _determined(equations) or _narrow(equations, hidden, k_of)
    exposed = [cell for cell in hidden if cell in found]
    around = dict.fromkeys(one for cell in exposed for one in by_cell[cell])
    totals = _totals_about(exposed, by_cell, hidden)
    return [*sorted(around, key=lambda one: counts[one.total]), *(Sum(total, ()) for total in totals)]


def _totals_about(
    cells: Iterable[Cell], by_cell: Mapping[Cell, Sequence[Sum[Cell]]], hidden: Collection[Cell]
) -> Iterable[Cell]:
    """The totals that are published and bound these cells, by themselves or with other withheld ones; nearest first."""
    found: dict[Cell, None] = {}
    ahead = dict.fromkeys(cells)
    for cell in (walk := list(ahead)):
        for one in by_cell[cell]:
            if one.total not in hidden:
                found[one.total] = None
            beyond = [each for each in (one.total, *one.parts) if each in hidden and each not in ahead]
            ahead.update(dict.fromkeys(beyond))
            walk += dict.fromkeys(beyond)
    return found


class _Equation(NamedTuple, Generic[Cell]):
    """Withheld cells with their signs; what they come to is published."""

    signs: Mapping[Cell, int]
    value: int


def _equations(
    counts: Mapping[Cell, int], sums: Iterable[Sum[Cell]], hidden: dict[Cell, None]
) -> Iterable[_Equation[Cell]]:
    for one in sums:
        signs = {part: 1 for part in one.parts if part in hidden}
        value = sum(counts[part] for part in signs)
        if one.total in hidden:
            signs[one.total] = -1
            value -= counts[one.total]
        if signs:
            yield _Equation(signs, value)


def _determined(equations: Iterable[_Equation[Cell]]) -> set[Cell]:
    """The cells that a system of equations has a single solution for: alone in a row once it is eliminated."""
    rows: dict[Cell, dict[Cell, int]] = {}
    for equation in equations:
        row = {cell: sign % _PRIME for cell, sign in equation.signs.items()}
        for cell in list(row):
            if cell in rows and cell in row:
                _subtract(row, rows[cell], row[cell])
        if not row:
            continue
        pivot, factor = next(iter(row.items()))
        inverse = pow(factor, -1, _PRIME)
        row = {cell: value * inverse % _PRIME for cell, value in row.items()}
        for other in rows.values():
            if pivot in other:
                _subtract(other, row, other[pivot])
        rows[pivot] = row
    return {pivot for pivot, row in rows.items() if len(row) == 1}


def _subtract(row: dict[Cell, int], other: Mapping[Cell, int], times: int) -> None:
    for cell, value in other.items():
        left = (row.get(cell, 0) - times * value) % _PRIME
        if left:
            row[cell] = left
        else:
            row.pop(cell, None)


def _narrow(equations: Sequence[_Equation[Cell]], hidden: Iterable[Cell], k_of: Mapping[Cell, int]) -> set[Cell]:
    """The cells whose bounds, none below zero, lie closer together than their `k` values."""
    low = dict.fromkeys(hidden, 0)
    high: dict[Cell, float] = dict.fromkeys(hidden, float("inf"))
    for _ in range(_ROUNDS_OF_BOUNDS_MAX):
        moved = [_tighten(equation, low, high) for equation in equations]
        if not any(moved):
            break
    return {cell for cell in high if high[cell] - low[cell] < k_of[cell] - 1}


def _tighten(equation: _Equation[Cell], low: dict[Cell, int], high: dict[Cell, float]) -> bool:
    """Bring the bounds of an equation's cells as near as its other cells' bounds allow. Whether any moved."""
    moved = False
    least = {cell: low[cell] if sign > 0 else -high[cell] for cell, sign in equation.signs.items()}
    most = {cell: high[cell] if sign > 0 else -low[cell] for cell, sign in equation.signs.items()}
    for cell, sign in equation.signs.items():
        smallest = equation.value - sum(bound for other, bound in most.items() if other != cell)
        largest = equation.value - sum(bound for other, bound in least.items() if other != cell)
        below, above = (smallest, largest) if sign > 0 else (-largest, -smallest)
        if below > low[cell]:
            low[cell], moved = int(below), True
        if above < high[cell]:
            high[cell], moved = above, True
    return moved


def _hide_another(
    counts: Mapping[Cell, int], one: Sum[Cell], hidden: dict[Cell, None], known: Collection[Cell]
) -> bool:
    """Withhold the smallest cell of a sum that can be, its total only when no part is left."""
    beside = [part for part in one.parts if part not in hidden and part not in known and counts[part]]
    another = min(beside, key=lambda part: counts[part]) if beside else one.total
    if another in hidden or another in known:
        return False
    hidden[another] = None
    return True
