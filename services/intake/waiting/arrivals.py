"""The use cases of the waiting room: somebody came, is received, is gone; who waits now."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from services.intake.forms import local_timestamp
from services.intake.waiting.room import (
    ROOM,
    Arrival,
    ArrivalMovedOn,
    ArrivalUnknown,
    Command,
    LetVisitorGo,
    NoteArrival,
    ReceiveVisitor,
    Room,
    UndoMove,
    room_stream,
)
from shared.access.acting import acting_scope, actor, held_to_site
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.decider import Refusal
from shared.envelope import Envelope, decode
from shared.events.desk import ArrivalUndone, VisitorArrived, VisitorLeft, VisitorReceived
from shared.execute import Context, execute, state_of
from shared.ids import new_id
from shared.log import AlreadyAnswered, Appended, Log, VersionConflict, partition_of
from shared.log.append import Answer
from shared.web.idempotency import InFlight, fingerprint, key_from

LOOK_EVERY_S = 5.0
"""What another replica noted wakes nobody here, and minutes pass by themselves."""
PAUSE_S = 0.5

Headers = Mapping[bytes, bytes]


class Looked(msgspec.Struct, frozen=True):
    """A room as it was looked at: `last` = whom the last move of whoever looks was about, if it can be undone."""

    room: Room
    last: Arrival | None


class Noted(msgspec.Struct, frozen=True):
    """An arrival as it was noted: where it stands in the log, and its event."""

    event: VisitorArrived
    stream: str
    position: int


class WaitingRooms:
    """The waiting rooms of one house, a stream each."""

    def __init__(self, log: Log, catalogue: Catalogue, clock: Callable[[], datetime] = utc_now) -> None:
        self._log, self._clock = log, clock
        self._zones = {site.code: site.zone for site in catalogue.sites}
        self._default_zone = catalogue.default_site.zone
        # Everybody of a day writes to one stream: in turn, nobody has to try again.
        self._turn = asyncio.Lock()
        self._in_flight = InFlight()
        self._moved = asyncio.Event()
        log.on_append(lambda _entries: self._wake())

    def now(self, site: str) -> str:
        """This moment, with the site's offset."""
        return local_timestamp(self._clock(), self._zones.get(site, self._default_zone))

    async def today(self, scope: Scope, site: str) -> Looked:
        """Everybody who came to the site today."""
        history = await self._log.read(room_stream(site, self.now(site)[:10])) if scope.reads_files else []
        room = state_of(ROOM, history)
        return Looked(room, _last_move(history, room, scope.account))

    async def looks(self, scope: Scope, site: str) -> AsyncIterator[Looked]:
        """The room of today, now and whenever something may have changed: for ever."""
        while True:
            moved = self._moved
            yield await self.today(scope, site)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await moved.wait()
            await asyncio.sleep(PAUSE_S)

    async def noted(self, scope: Scope, arrival_id: str) -> Noted:
        """An arrival, as it was noted. Raises `ArrivalUnknown`."""
        for entry in await self._log.read_tagged(arrival_id, limit=1) if scope.reads_files else ():
            envelope: Envelope = decode(entry.body)
            if isinstance(event := envelope.event, VisitorArrived):
                return Noted(event, envelope.stream, envelope.position)
        raise ArrivalUnknown

    async def arrival(self, scope: Scope, arrival_id: str) -> Arrival:
        """An arrival as it stands. Raises `ArrivalUnknown`."""
        found = await self.noted(scope, arrival_id)
        return (await self._room(found.stream)).arrivals[arrival_id]

    async def note(self, site: str, headers: Headers) -> tuple[Noted, bool]:
        """Note that somebody came; the arrival, and whether it was noted before under the same key."""
        held_to_site(site)
        arrival_id, now = new_id(), self.now(site)
        answer = _answer(headers, "arrivals", site.encode(), arrival_id)
        with self._in_flight.hold(answer.key if answer else None):
            try:
                await self._carry_out(room_stream(site, now[:10]), NoteArrival(arrival_id, site, now), answer)
            except AlreadyAnswered as before:
                return await self.noted(acting_scope(), before.body.decode()), True
        return await self.noted(acting_scope(), arrival_id), False

    async def receive(self, arrival_id: str, expected: int, headers: Headers) -> Arrival:
        """Receive whoever waits. Raises `ArrivalUnknown`, `NobodyWaits`, or `VersionConflict`."""
        return await self._end(arrival_id, "received", expected, headers, ReceiveVisitor)

    async def let_go(self, arrival_id: str, expected: int, headers: Headers) -> Arrival:
        """Whoever waited is gone. Raises as `receive` does."""
        return await self._end(arrival_id, "left", expected, headers, LetVisitorGo)

    async def undo(self, arrival_id: str, expected: int, headers: Headers) -> Arrival:
        """The last move was a mistake. Raises as `receive` does."""
        return await self._end(arrival_id, "undo", expected, headers, UndoMove)

    async def _end(
        self,
        arrival_id: str,
        move: str,
        expected: int,
        headers: Headers,
        command: Callable[[str, str, int], Command],
    ) -> Arrival:
        answer = _answer(headers, f"arrivals/{arrival_id}/{move}", str(expected).encode(), "")
        scope = acting_scope()
        found = await self.noted(scope, arrival_id)
        held_to_site(found.event.site)
        now = self.now(found.event.site)
        with self._in_flight.hold(answer.key if answer else None):
            try:
                await self._carry_out(found.stream, command(arrival_id, now, expected), answer)
            except AlreadyAnswered:
                pass
            except ArrivalMovedOn as moved:
                raise VersionConflict(found.stream, expected, moved.actual) from None
        return await self.arrival(scope, arrival_id)

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _carry_out(self, stream: str, command: Command, answer: Answer | None) -> Appended:
        partition = partition_of(stream, self._log.partitions)
        context = Context(command.at, partition, tag=command.arrival_id, actor=actor(), answer=answer)
        try:
            async with self._turn:
                return await execute(self._log, ROOM, stream, command, context)
        except Refusal:
            # Refused now, but perhaps carried out when the same request came first: then that answer stands.
            if answer:
                await self._log.answered_before(answer)
            raise

    async def _room(self, stream: str) -> Room:
        return state_of(ROOM, await self._log.read(stream))


def _last_move(history: Sequence[Envelope], room: Room, by: str | None) -> Arrival | None:
    """Whom the last move of this account (None: of anybody) was about; None if that was undone, or moved on since."""
    own = [number for number, envelope in enumerate(history) if by is None or envelope.actor == by]
    if not own or isinstance(history[own[-1]].event, ArrivalUndone):
        return None
    arrival_id = _arrival_of(history[own[-1]])
    if any(_arrival_of(later) == arrival_id for later in history[own[-1] + 1 :]):
        return None
    return room.arrivals.get(arrival_id)


def _arrival_of(envelope: Envelope) -> str:
    event = envelope.event
    assert isinstance(event, VisitorArrived | VisitorReceived | VisitorLeft | ArrivalUndone)
    return event.arrival_id


def _answer(headers: Headers, scope: str, asked: bytes, kept: str) -> Answer | None:
    key = key_from(headers, scope)
    return Answer(key, fingerprint(asked), lambda _appended: kept.encode()) if key else None
