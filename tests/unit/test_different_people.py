"""Lines of different people: a few are not told, nor what betrays them."""

from services.stats.different import discreet


def rows(*counts: int) -> list[dict[str, object]]:
    return [{"partner": f"p{number}", "count": count} for number, count in enumerate(counts)]


def told(*counts: int) -> list[object]:
    return [row["count"] for row in discreet(rows(*counts), 11)]


def test_a_small_line_is_withheld_and_the_next_smallest_with_it() -> None:
    assert told(150, 3, 40, 90) == [150, None, None, 90]
    assert told(150, 40) == [150, 40]
    assert told(150, 4, 5) == [None, None, None]
    assert told(10) == [None]
    assert told() == []
