"""The lines of a review that count different people: a few are not told, and neither is what betrays them. Pure.

Such lines do not add up to their total, so that no subtraction is exact; of two lines that nearly do, a small one is
still told by the other. That is why the next smallest goes with it.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def discreet(rows: Sequence[Mapping[str, Any]], k: int) -> list[dict[str, Any]]:
    """The lines with `count` None where it is withheld: one and fewer than `k`, and then the next smallest too."""
    small = [number for number, row in enumerate(rows) if 0 < row["count"] < k]
    others = sorted((row["count"], number) for number, row in enumerate(rows) if row["count"] >= k)
    hidden = {*small, *(number for _count, number in others[:1])} if small else set[int]()
    return [{**row, "count": None if number in hidden else row["count"]} for number, row in enumerate(rows)]
