"""What can be worked out of missing cells: the quick way says what the slow and plain one does, and finds nothing."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stats.closing import PUBLISHED, Cell, sums_of, with_weeks, year_of
from services.stats.counting import additions
from services.stats.deduction import Equation, bounds, determined
from services.stats.projections import TOTAL, Tally
from services.stats.secrecy import Sum, withheld

K = 11


def plainly_determined(equations: Sequence[Equation]) -> set[int]:
    """Gauss and Jordan, in fractions: a cell that is alone in a row when all is done is known."""
    rows: dict[int, dict[int, Fraction]] = {}
    for equation in equations:
        row = {cell: Fraction(sign) for cell, sign in equation.signs.items()}
        for pivot in [cell for cell in row if cell in rows]:
            row = less(row, rows[pivot], row.get(pivot, Fraction()))
        if row:
            pivot = min(row)
            row = {cell: factor / row[pivot] for cell, factor in row.items()}
            rows = {one: less(other, row, other.get(pivot, Fraction())) for one, other in rows.items()}
            rows[pivot] = row
    return {pivot for pivot, row in rows.items() if len(row) == 1}


def less(row: Mapping[int, Fraction], other: Mapping[int, Fraction], times: Fraction) -> dict[int, Fraction]:
    found = {cell: row.get(cell, Fraction()) - times * other.get(cell, Fraction()) for cell in {**row, **other}}
    return {cell: factor for cell, factor in found.items() if factor}


def plainly_bounded(equations: Sequence[Equation]) -> dict[int, tuple[float, float]]:
    """All equations over and over, until no cell can be any less or any more than is known of it."""
    found: dict[int, tuple[float, float]] = {cell: (0, inf) for equation in equations for cell in equation.signs}
    for _ in range(500):
        before = dict(found)
        for signs, value in equations:
            for cell, sign in signs.items():
                ends = [
                    (found[other][0], found[other][1]) if factor > 0 else (-found[other][1], -found[other][0])
                    for other, factor in signs.items()
                    if other != cell
                ]
                least, most = value - sum(end[1] for end in ends), value - sum(end[0] for end in ends)
                least, most = (least, most) if sign > 0 else (-most, -least)
                found[cell] = (max(found[cell][0], least), min(found[cell][1], most))
        if found == before:
            break
    return found


equations = st.lists(
    st.dictionaries(st.integers(0, 9), st.sampled_from((1, 1, 1, -1)), min_size=1, max_size=6), min_size=1, max_size=9
)


@settings(deadline=None, max_examples=300)
@given(equations, st.lists(st.integers(0, 30), min_size=10, max_size=10))
def test_what_is_worked_out_quickly_is_what_is_worked_out_plainly(
    signs: list[dict[int, int]], counts: list[int]
) -> None:
    asked = [Equation(one, sum(sign * counts[cell] for cell, sign in one.items())) for one in signs]
    assert determined(asked) == plainly_determined(asked)
    for cell, (low, high) in bounds(asked).items():
        assert low <= counts[cell] <= high
        assert (low, high) == plainly_bounded(asked)[cell]


def a_month(month: str, sites: int, visits: int, chance: Random) -> dict[Cell, int]:
    """What is published of a month of a house of so many sites, with so many visits at each or so."""
    tallies: Counter[Tally] = Counter()
    for number in range(sites):
        site = f"site-{number:03}"
        for _ in range(chance.randrange(1, 2 * visits)):
            day, channel = f"{month}-{chance.randrange(1, 29):02}", chance.choice(("in_person", "phone", "email"))
            category, status = f"c{chance.randrange(12)}", chance.choice(("answered", "referred", "unmet"))
            for figure, values in (
                ("visits", {"channel": channel, "category": category}),
                ("requests", {"category": category, "channel": channel, "status": status}),
            ):
                for dimension, value in {TOTAL: "", **values}.items():
                    tallies[Tally(figure, dimension, value, site, day)] += 1
    cells: dict[Cell, int] = {}
    for *key, count in additions(tallies):
        figure, dimension, grain, site, period, value = map(str, key)
        if (grain == "day" and dimension == TOTAL) or (grain == "month" and dimension in (TOTAL, *PUBLISHED[figure])):
            cells[Cell(figure, dimension, value, site, grain, period)] = int(count)
    days = {cell: count for cell, count in cells.items() if cell.grain == "day"}
    return {**with_weeks(days, month), **cells}


def audit(counts: Mapping[Cell, int], sums: Sequence[Sum[Cell]], hidden: Collection[Cell]) -> None:
    """Nothing that is withheld is worked out: not exactly, and not to within fewer than `K` values."""
    assert all(count >= K or not count for cell, count in counts.items() if cell not in hidden)
    numbers = {cell: number for number, cell in enumerate(counts)}
    asked = []
    for one in sums:
        signs = {numbers[part]: 1 for part in one.parts if part in hidden}
        if one.total in hidden:
            signs[numbers[one.total]] = -1
        if signs:
            told = sum(counts[part] for part in one.parts if part not in hidden)
            asked.append(Equation(signs, (0 if one.total in hidden else counts[one.total]) - told))
    assert not plainly_determined(asked)
    assert all(high - low >= K - 1 for low, high in plainly_bounded(asked).values())


@pytest.mark.parametrize(("sites", "visits"), [(4, 30), (5, 300)])
def test_many_sites_and_their_year_give_nobody_away(sites: int, visits: int) -> None:
    chance = Random(sites)
    months: dict[Cell, int] = {}
    kept: set[Cell] = set()
    for month in ("2008-11", "2008-12"):
        cells = a_month(month, sites, visits, chance)
        hidden = withheld(cells, sums_of(cells), K)
        audit(cells, sums_of(cells), hidden)
        whole = {cell: count for cell, count in cells.items() if cell.grain == "month"}
        months |= whole
        kept |= hidden & whole.keys()
    year = {**months, **year_of(months)}
    hidden = withheld(year, sums_of(year), K, months.keys() - kept, kept)
    assert kept <= hidden
    assert not hidden & (months.keys() - kept)
    audit(year, sums_of(year), hidden)
