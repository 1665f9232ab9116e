"""What is withheld: small cells, and whatever would give one of them away."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

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
    assert all(len(values) > 1 for values in solutions(counts, sums, hidden, up_to=40).values())


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


def solutions(
    counts: Mapping[str, int], sums: Sequence[Sum[str]], hidden: frozenset[str], up_to: int
) -> dict[str, set[int]]:
    """Every value that an attacker who tries all of them must still hold possible, cell by cell."""
    # Totals follow from their parts: trying the innermost cells is enough.
    totals = {one.total for one in sums}
    inner = sorted(cell for cell in hidden if cell not in totals)
    possible: dict[str, set[int]] = {cell: set() for cell in hidden}
    for values in tries(inner, up_to):
        table = {**{cell: count for cell, count in counts.items() if cell not in hidden}, **values}
        if (whole := completed(table, sums)) is not None:
            for cell in hidden:
                possible[cell].add(whole[cell])
    return possible


def tries(cells: Sequence[str], up_to: int) -> Iterator[dict[str, int]]:
    for values in product(range(up_to + 1), repeat=len(cells)):
        yield dict(zip(cells, values, strict=True))


def completed(table: dict[str, int], sums: Sequence[Sum[str]]) -> dict[str, int] | None:
    """The table with its withheld totals, or None when it contradicts itself."""
    whole = dict(table)
    for _ in sums:
        for one in sums:
            if all(part in whole for part in one.parts):
                total = sum(whole[part] for part in one.parts)
                if whole.setdefault(one.total, total) != total:
                    return None
    return whole


CELLS = st.sampled_from([0, 0, 1, 3, 4, 5, 6, 9])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=2, max_size=2))
def test_whoever_tries_every_value_finds_no_withheld_cell(cells: list[list[int]]) -> None:
    counts, sums = grid(cells)
    hidden = withheld(counts, sums, k=5)
    assert {cell for cell, count in counts.items() if 0 < count < 5} <= hidden
    for cell, values in solutions(counts, sums, hidden, up_to=13).items():
        assert len(values) > 1, (cell, counts[cell])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), min_size=4, max_size=4), min_size=3, max_size=6))
def test_what_is_published_is_as_it_was_counted(cells: list[list[int]]) -> None:
    counts, sums = grid(cells)
    hidden = withheld(counts, sums)
    assert all(count >= 11 or count == 0 for cell, count in counts.items() if cell not in hidden)
