"""What happened at the desk today, as everybody there may see it: read from the end of the log, remembered.

Nothing is stored for it. After a start, what the last `LOOK_BACK` events of each partition hold is found again.
"""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from datetime import date
from typing import NamedTuple

from shared.envelope import MalformedEvent, UnknownEvent, decode
from shared.events.intake import RequestMade, VisitRecorded
from shared.log import Log

LOOK_BACK = 5_000
KEPT_MAX = 5_000
"""Visits remembered; of more than so many in one day the count stays behind."""
_READ_MAX = 1_000


class Seen(NamedTuple):
    """A visit of the list: `occurred_at` (RFC 3339, the site's offset), and what was asked for."""

    visit_id: str
    site: str
    channel: str
    occurred_at: str
    requests: tuple[RequestMade, ...]


class Today:
    """Follows one log. Asked as often as somebody looks; each time it reads what is new."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._read_up_to: dict[int, int] = {}
        self._visits: OrderedDict[str, Seen] = OrderedDict()
        self._reading = asyncio.Lock()

    async def visits(self, site: str, day: date) -> list[Seen]:
        """The visits that happened at the site on that local day, the latest first."""
        async with self._reading:
            await self._read_on()
        prefix = day.isoformat()
        found = [one for one in self._visits.values() if one.site == site and one.occurred_at.startswith(prefix)]
        return sorted(found, key=lambda one: one.occurred_at, reverse=True)

    async def _read_on(self) -> None:
        for partition, head in (await self._log.heads()).items():
            position = self._read_up_to.get(partition, max(0, head - LOOK_BACK))
            while position < head and (entries := await self._log.read_after(partition, position, _READ_MAX)):
                for entry in entries:
                    # What another release wrote is no reason to show nobody the day.
                    with suppress(UnknownEvent, MalformedEvent):
                        self._remember(entry.body)
                position = entries[-1].position
            self._read_up_to[partition] = position

    def _remember(self, body: bytes) -> None:
        envelope = decode(body)
        event = envelope.event
        if isinstance(event, VisitRecorded):
            seen = Seen(event.visit_id, event.site, event.channel, envelope.occurred_at, event.requests)
            self._visits[event.visit_id] = seen
            if len(self._visits) > KEPT_MAX:
                self._visits.popitem(last=False)
