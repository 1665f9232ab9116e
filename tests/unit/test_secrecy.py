"""What is withheld: small cells, and whatever would give one of them away."""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.stats.secrecy import Sum, withheld


def row(total: str, *parts: str) -> Sum[str]:
    return Sum(total, parts)


def test_a_table_without_small_cells_is_published_whole() -> None:
    assert withheld({"all": 60, "a": 20, "b": 40}, [row("all", "a", "b")]) == frozenset()


def test_zero_is_not_small() -> None:
    assert withheld({"all": 20, "a": 20, "b": 0}, [row("all", "a", "b")]) == frozenset()


def test_a_small_cell_takes_the_next_smallest_with_it() -> None:
    assert withheld({"all": 63, "a": 3, "b": 40, "c": 20}, [row("all", "a", "b", "c")]) == {"a", "c"}


def test_small_cells_that_are_few_together_take_another_with_them() -> None:
    counts = {"all": 55, "a": 2, "b": 3, "c": 50}
    assert withheld(counts, [row("all", "a", "b", "c")]) == {"a", "b", "c"}


def test_a_small_total_is_not_the_sum_of_published_parts() -> None:
    assert withheld({"all": 4, "a": 4, "b": 0}, [row("all", "a", "b")]) == {"all", "a"}


def test_a_month_does_not_give_a_small_day_away_through_its_week() -> None:
    counts = {"month": 66, "d1": 3, "d2": 30, "d3": 33, "week1": 33, "week2": 33}
    sums = [
        row("month", "d1", "d2", "d3"),
        row("week1", "d1", "d2"),
        row("week2", "d3"),
        row("month", "week1", "week2"),
    ]
    hidden = withheld(counts, sums)
    assert {"d1", "d2"} <= hidden
    assert all(len(values) > 1 for values in solutions(counts, sums, hidden).values())


def test_a_year_is_withheld_when_it_would_give_away_a_month_that_was_withheld_before() -> None:
    counts = {"year": 63, "january": 3, "february": 40, "march": 20}
    months = [row("year", "january", "february", "march")]
    assert withheld(counts, months, known={"february", "march"}, kept={"january"}) == {"january", "year"}


def test_tables_that_disagree_are_not_published() -> None:
    with pytest.raises(ValueError, match="all is 5"):
        withheld({"all": 5, "a": 4, "b": 0}, [row("all", "a", "b")])


def test_a_threshold_below_five_is_refused() -> None:
    with pytest.raises(ValueError, match="k is 4"):
        withheld({"a": 1}, [], k=4)


def grid(cells: Sequence[Sequence[int]]) -> tuple[dict[str, int], list[Sum[str]]]:
    """A table of rows and columns with every total."""
    rows, columns = range(len(cells)), range(len(cells[0]))
    counts = {f"{r}{c}": cells[r][c] for r in rows for c in columns}
    counts |= {f"{r}*": sum(cells[r]) for r in rows} | {f"*{c}": sum(line[c] for line in cells) for c in columns}
    counts["**"] = sum(map(sum, cells))
    sums = [row(f"{r}*", *(f"{r}{c}" for c in columns)) for r in rows]
    sums += [row(f"*{c}", *(f"{r}{c}" for r in rows)) for c in columns]
    sums += [row("**", *(f"{r}*" for r in rows)), row("**", *(f"*{c}" for c in columns))]
    return counts, sums


def solutions(counts: Mapping[str, int], sums: Sequence[Sum[str]], hidden: frozenset[str]) -> dict[str, set[int]]:
    """Every value that an attacker who tries all of them must still hold possible, cell by cell."""
    leaves = {cell: leaves_of(cell, sums) for cell in counts}
    rules = []
    for cell in counts.keys() - hidden:
        unknown = leaves[cell] & hidden
        if unknown:
            rules.append((unknown, counts[cell] - sum(counts[leaf] for leaf in leaves[cell] - unknown)))
    free = sorted(cell for cell in hidden if leaves[cell] == {cell})
    possible: dict[str, set[int]] = {cell: set() for cell in hidden}
    for values in tries(free, rules, {}):
        for cell in hidden:
            possible[cell].add(sum(values.get(leaf, counts[leaf]) for leaf in leaves[cell]))
    return possible


def leaves_of(cell: str, sums: Sequence[Sum[str]]) -> frozenset[str]:
    """The innermost cells that a cell counts together; of several ways to add it up any will do."""
    parts = next((one.parts for one in sums if one.total == cell), None)
    return frozenset[str]().union(*(leaves_of(part, sums) for part in parts)) if parts else frozenset({cell})


Rule = tuple[frozenset[str], int]
"""These cells come to this number together."""


def tries(free: Sequence[str], rules: Sequence[Rule], found: Mapping[str, int]) -> Iterator[Mapping[str, int]]:
    """All values of these cells that no rule speaks against."""
    if not free:
        yield found
        return
    left = [(cells, total - sum(found.get(cell, 0) for cell in cells)) for cells, total in rules if free[0] in cells]
    # What no rule bounds is tried as far as any threshold asks.
    most = min((total for _, total in left), default=K_MAX)
    for value in range(most + 1):
        if all(value == total for cells, total in left if cells.isdisjoint(free[1:])):
            yield from tries(free[1:], rules, {**found, free[0]: value})


def test_each_cell_is_held_to_the_threshold_of_its_table() -> None:
    counts = {"all": 60, "a": 8, "b": 22, "c": 30, "other": 8}
    sums = [row("all", "a", "b", "c")]
    assert withheld(counts, sums, {"all": 5, "a": 5, "b": 5, "c": 5, "other": 11}) == {"other"}
    assert withheld(counts, sums, {"all": 11, "a": 11, "b": 11, "c": 11, "other": 5}) == {"a", "b"}


def test_a_cell_that_was_published_under_a_stricter_threshold_is_hidden_behind_as_much() -> None:
    counts = {"year": 70, "january": 3, "february": 6, "march": 61}
    sums = [row("year", "january", "february", "march")]
    # 9 of January and February together are enough for a threshold of 5; for January's own 11 they are not.
    assert withheld(counts, sums, 5, kept={"january", "february"}) == {"january", "february"}
    strict = {"year": 5, "january": 11, "february": 11, "march": 5}
    assert withheld(counts, sums, strict, kept={"january", "february"}) == {"january", "february", "march"}


def test_no_single_cell_may_have_a_threshold_below_five() -> None:
    with pytest.raises(ValueError, match="k is 4"):
        withheld({"a": 1, "b": 1}, [], {"a": 11, "b": 4})


K_MAX = 14
CELLS = st.sampled_from([0, 0, 1, 3, 4, 5, 6, 9, 12, 17])


TABLES = st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=2, max_size=2)


@settings(max_examples=60, deadline=None)
@given(TABLES, st.integers(5, K_MAX))
def test_whoever_tries_every_value_finds_no_withheld_cell(cells: list[list[int]], k: int) -> None:
    counts, sums = grid(cells)
    hidden = withheld(counts, sums, k)
    assert {cell for cell, count in counts.items() if 0 < count < k} <= hidden
    for cell, values in solutions(counts, sums, hidden).items():
        assert len(values) >= k, (cell, counts[cell])


@settings(max_examples=60, deadline=None)
@given(TABLES, st.lists(st.integers(5, K_MAX), min_size=9, max_size=9))
def test_nor_does_anybody_where_each_cell_has_a_threshold_of_its_own(cells: list[list[int]], ks: list[int]) -> None:
    counts, sums = grid(cells)
    k_of = dict(zip(counts, ks, strict=True))
    hidden = withheld(counts, sums, k_of)
    assert {cell for cell, count in counts.items() if 0 < count < k_of[cell]} <= hidden
    for cell, values in solutions(counts, sums, hidden).items():
        assert len(values) >= k_of[cell], (cell, counts[cell])


THRESHOLDS = st.lists(st.integers(5, K_MAX), min_size=3, max_size=3)
NESTED = [
    row("january", "january-a", "january-b"), row("february", "february-a", "february-b"),
    row("year-a", "january-a", "february-a"), row("year-b", "january-b", "february-b"),
    row("year", "january", "february"), row("year", "year-a", "year-b"),
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(CELLS, min_size=4, max_size=4), THRESHOLDS)
def test_no_later_table_under_another_threshold_takes_back_what_a_month_was_promised(
    cells: list[int], thresholds: list[int]
) -> None:
    """Months are published one after the other, each under the threshold of its day, and the year over both."""
    counts = dict(zip(("january-a", "january-b", "february-a", "february-b"), cells, strict=True))
    for one in NESTED:
        counts[one.total] = sum(counts[part] for part in one.parts)
    k_of = {cell: thresholds[("january", "february", "year").index(cell.partition("-")[0])] for cell in counts}
    kept: frozenset[str] = frozenset()
    known: set[str] = set()
    for month in NESTED[:2]:
        whole = {cell: counts[cell] for cell in (month.total, *month.parts)}
        kept |= withheld(whole, [month], k_of[month.total])
        known |= set(whole) - kept
    hidden = withheld(counts, NESTED, k_of, known, kept)
    assert kept <= hidden
    assert not hidden & known
    for cell, values in solutions(counts, NESTED, hidden).items():
        assert cell not in kept or len(values) >= k_of[cell], (cell, counts[cell])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), min_size=4, max_size=4), min_size=3, max_size=6), st.integers(5, 40))
def test_what_is_published_is_as_it_was_counted(cells: list[list[int]], k: int) -> None:
    counts, sums = grid(cells)
    hidden = withheld(counts, sums, k)
    assert all(count >= k or count == 0 for cell, count in counts.items() if cell not in hidden)
