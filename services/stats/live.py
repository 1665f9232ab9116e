"""The counters of now, and a live page's stream of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection
from sse_starlette import ServerSentEvent

from services.stats.audience import divisions
from services.stats.periods import Grain, bounds, key
from services.stats.queries import LIVE, Asked, positions, rows_of
from shared.database import Database

PAUSE_S = 0.1
"""Changes that come this close together are told as one."""
LOOK_EVERY_S = 1.0
RETRY_MS = 1_000
_NAMES = {
    Grain.DAY: "today",
    Grain.WEEK: "this_week",
    Grain.MONTH: "this_month",
    Grain.YEAR: "this_year",
    Grain.ALL: "in_all",
}


class Live:
    """Tells everybody who listens when a counter has moved."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._moved = asyncio.Event()

    def on_change(self) -> None:
        """Called after each commit."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def now(self, today: date, *, all_of_them: bool = True) -> dict[str, Any]:
        """Every figure of today, this week, month and year and in all, total and divided: `all_of_them`, or by site."""
        return await self._database.read(lambda connection: _now(connection, today, all_of_them))

    async def stream(
        self, today: Callable[[], date], after: str, give: Callable[[str], str], *, all_of_them: bool = True
    ) -> AsyncIterator[ServerSentEvent]:
        """The counters, unless they stand at the place `after`, and again whenever they move.

        `give` makes of a place the id of an event.
        """
        yield ServerSentEvent(comment="the counters", retry=RETRY_MS)
        async for day, as_of in self.changes(today):
            if place(day, as_of) != after:
                counters = await self.now(day, all_of_them=all_of_them)
                after = place(day, counters["as_of"])
                yield ServerSentEvent(msgspec.json.encode(counters).decode(), event="counters", id=give(after))

    async def changes(self, today: Callable[[], date]) -> AsyncIterator[tuple[date, dict[str, int]]]:
        """The day and the positions that the figures stand at: at once, and again whenever one of them moves."""
        seen = None
        while True:
            moved = self._moved
            standing = today(), await self._database.read(positions)
            if standing != seen:
                yield standing
                seen = standing
            # What another replica counts wakes nobody here, and neither does midnight.
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await moved.wait()
            await asyncio.sleep(PAUSE_S)


def place(day: date, as_of: Mapping[str, int]) -> str:
    """A day and the positions that its figures stand at: what a listener says it has seen. Midnight moves figures."""
    return "-".join([day.strftime("%Y%m%d"), *map(str, as_of.values())])


def _now(connection: Connection, today: date, all_of_them: bool) -> dict[str, Any]:
    figures = {}
    for figure, kind in LIVE.items():
        periods = {}
        for grain, name in _NAMES.items():
            first, last = (None, None) if grain is Grain.ALL else bounds(today, grain)
            shown = divisions(kind.by, all_of_them=all_of_them)
            divided = {by: rows_of(connection, Asked(figure, by, None, first, last)) for by in shown}
            total = rows_of(connection, Asked(figure, None, None, first, last))[0]["count"]
            periods[name] = {
                "period": key(today, grain) or None,
                "count": total,
                **{f"by_{by}": rows for by, rows in divided.items()},
            }
        figures[figure] = {"unit": kind.unit, "date_basis": kind.date_basis, **periods}
    return {"as_of": positions(connection), "figures": figures}
