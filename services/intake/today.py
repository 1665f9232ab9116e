"""What happened at the desk today, as everybody there may see it: read from the end of the log, remembered.

Nothing is stored for it. After a start, what the last `LOOK_BACK` events of each partition hold is found again.
"""

import asyncio
from collections import Counter, OrderedDict
from contextlib import suppress
from datetime import date, datetime
from typing import NamedTuple

from shared.access.scope import Scope
from shared.envelope import MalformedEvent, UnknownEvent, decode
from shared.events.intake import RequestMade, VisitCorrected, VisitRecorded, VisitVoided
from shared.log import Log

LOOK_BACK = 5_000
KEPT_MAX = 5_000
"""Visits remembered; of more than so many in one day the count stays behind."""
_READ_MAX = 1_000
LANGUAGES_MAX, OFTEN_TIMES = 5, 3
"""What is often spoken here: so many languages, each said of so many visits. A key pressed by mistake is no habit."""


class Seen(NamedTuple):
    """A visit of the list as it stands: `occurred_at` (RFC 3339, the site's offset), and what was asked for.

    `recorded_at` (UTC) is empty where only its correction was read; `is_void`: it never was.
    """

    visit_id: str
    site: str
    channel: str
    occurred_at: str
    requests: tuple[RequestMade, ...]
    recorded_at: str = ""
    recorded_by: str | None = None
    is_void: bool = False
    arrival_id: str | None = None
    language: str | None = None

    @property
    def at(self) -> datetime:
        """When it happened, by the site's clock."""
        return datetime.fromisoformat(self.occurred_at)


class Today:
    """Follows one log. Asked as often as somebody looks; each time it reads what is new."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._read_up_to: dict[int, int] = {}
        self._visits: OrderedDict[str, Seen] = OrderedDict()
        self._reading = asyncio.Lock()

    async def visits(self, scope: Scope, site: str, day: date) -> list[Seen]:
        """The visits that happened at the site on that local day, the latest first."""
        if not scope.reads_files:
            return []
        async with self._reading:
            await self._read_on()
        prefix = day.isoformat()
        found = [one for one in self._visits.values() if one.site == site and one.occurred_at.startswith(prefix)]
        return sorted(found, key=lambda one: one.occurred_at, reverse=True)

    async def last(self, scope: Scope, site: str) -> Seen | None:
        """The visit that whoever reads entered last at the site, whenever it happened, and that is not voided.

        Where nobody said who they are, anybody's.
        """
        if not scope.reads_files:
            return None
        async with self._reading:
            await self._read_on()
        found = [one for one in self._visits.values() if one.site == site and one.recorded_at and not one.is_void]
        mine = [one for one in found if scope.account in (None, one.recorded_by)]
        return max(mine, key=lambda one: one.recorded_at, default=None)

    async def recorded_for(self, scope: Scope, arrival_id: str) -> list[Seen]:
        """The visits recorded for this arrival that are not voided; of those remembered, on whichever day."""
        if not scope.reads_files:
            return []
        async with self._reading:
            await self._read_on()
        return [one for one in self._visits.values() if one.arrival_id == arrival_id and not one.is_void]

    async def languages(self, scope: Scope) -> list[str]:
        """The languages said most of the visits remembered, at most `LANGUAGES_MAX`; none that was hardly ever said."""
        if not scope.reads_files:
            return []
        async with self._reading:
            await self._read_on()
        said = Counter(one.language for one in self._visits.values() if one.language and not one.is_void)
        return [language for language, times in said.most_common(LANGUAGES_MAX) if times >= OFTEN_TIMES]

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
        match event:
            case VisitRecorded():
                seen = _seen(event, envelope.occurred_at)
                self._keep(seen._replace(recorded_at=envelope.recorded_at, recorded_by=envelope.actor))
            case VisitCorrected():
                self._keep(_seen(event.now, event.now_at))
            case VisitVoided():
                self._keep(_seen(event.was, event.was_at)._replace(is_void=True))

    def _keep(self, seen: Seen) -> None:
        if before := self._visits.get(seen.visit_id):
            seen = seen._replace(recorded_at=before.recorded_at, recorded_by=before.recorded_by)
        self._visits[seen.visit_id] = seen
        if len(self._visits) > KEPT_MAX:
            self._visits.popitem(last=False)


def _seen(visit: VisitRecorded, at: str) -> Seen:
    return Seen(
        visit.visit_id,
        visit.site,
        visit.channel,
        at,
        visit.requests,
        arrival_id=visit.arrival_id,
        language=visit.language,
    )
