"""Events that no reader can take in, written into the log of an intake that is down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar

from shared.database import Database
from shared.events import Event
from shared.events.intake import RequestMade, VisitRecorded
from shared.ids import new_id
from shared.log import ANY, Append, Log
from tests.system.place import Place

MOMENT = "2008-03-11T09:30:00.000+01:00"


class FromTheFuture(Event, frozen=True):
    """A visit as some later release might record it."""

    event_type: ClassVar[str] = "intake.visit-recorded.v9"

    visit_id: str


class Misshapen(Event, frozen=True):
    """A visit of this release by its name, whose facts are not those of a visit."""

    event_type: ClassVar[str] = "intake.visit-recorded.v1"

    visit_id: str


async def follow_poison(place: Place, case_id: str, *poison: Event) -> str:
    """Append these to a case, and behind them a sound visit; the visit's id."""
    visit_id = new_id()
    sound = VisitRecorded(visit_id, case_id, "fontaine-d-ouche", "phone", (RequestMade(new_id(), "legal"),))
    async with _own_log(place) as log:
        for event in poison:
            await log.append(Append(f"case-{case_id}", [event], ANY, MOMENT))
        await log.append(Append(f"case-{case_id}", [sound], ANY, MOMENT, tag=visit_id))
    return visit_id


@asynccontextmanager
async def _own_log(place: Place) -> AsyncIterator[Log]:
    database = Database(f"sqlite:///{place.data}/intake.sqlite3", "intake")
    await database.start()
    try:
        log = Log(database, "intake")
        await log.start()
        yield log
    finally:
        await database.stop()
