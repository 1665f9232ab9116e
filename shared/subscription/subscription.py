"""One reader of one partition of one topic: effects happen once, in order, and nothing stops the line.

Effects and checkpoint commit in one transaction, the checkpoint by compare-and-set: that is the dedupe, the
fence against a stalled twin and the place to resume from. There is no consumer group and no pending list.
A handler never raises past this module: FastStream has moved on before it runs and would never hand in the
batch again. What fails for a reason outside is tried until it succeeds; what fails of itself is parked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from shared.database import Database, StoreUnavailable, Work
from shared.envelope import Envelope
from shared.failpoints import failpoint
from shared.subscription.batch import Effects, Heard, React, hear
from shared.subscription.checkpoints import CheckpointMoved, Place
from shared.subscription.tables import DeadLetter
from shared.telemetry.tracing import Tracing

TRIES_MAX = 5
BACKOFF_S_FIRST = 0.05
BACKOFF_S_MAX = 5.0
GAP_PAUSE_S = 0.2

_log = logging.getLogger(__name__)


class Subscription:
    """Applies a topic's events to this service's database. `rewind` sets where the topic is read on."""

    def __init__(
        self,
        database: Database,
        place: Place,
        react: React,
        on_progress: Callable[[], None],
        tracing: Tracing | None = None,
    ) -> None:
        self.place = place
        self.position = 0
        self.waits_for: str | None = None
        self._database, self._react, self._on_progress = database, react, on_progress
        self._tracing = tracing
        self._parked: set[str] = set()
        self.rewind: Callable[[int], None] = lambda _position: None
        self._busy = asyncio.Lock()
        self._retired = False

    async def load(self) -> None:
        """Learn the checkpoint and what is parked, and read on from there."""
        self.position, self._parked = await self._database.read(
            lambda connection: (self.place.checkpoint(connection), self.place.parked_streams(connection))
        )
        self.rewind(self.position)

    async def hear(self, batch: Sequence[Heard]) -> None:
        """Take in what the topic gave. Never raises: see above."""
        async with self._busy:
            if not self._retired:
                await self._hear(batch)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let nothing be taken in for a moment; what arrives meanwhile waits."""
        async with self._busy:
            yield

    def retire(self) -> None:
        """Its work is done: what still arrives, and what has waited while it was held, is left to others."""
        self._retired = True

    async def _hear(self, batch: Sequence[Heard]) -> None:
        backoff_s = BACKOFF_S_FIRST
        while True:
            try:
                await self._take_in([heard for heard in batch if heard.position > self.position])
                self.waits_for = None
                return
            except CheckpointMoved as moved:
                _log.warning("%s", moved)
                await self._load_patiently()
                return
            except (StoreUnavailable, OSError) as error:
                self.waits_for = type(error).__name__
                _log.warning("%s waits: %s", self.place.reader, self.waits_for)
                await asyncio.sleep(backoff_s)
                backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    async def _load_patiently(self) -> None:
        while True:
            try:
                return await self.load()
            except StoreUnavailable:
                await asyncio.sleep(BACKOFF_S_MAX)

    async def _take_in(self, batch: Sequence[Heard]) -> None:
        if not batch:
            return
        if batch[0].position != self.position + 1 or batch[-1].position != self.position + len(batch):
            await self._fill_gap(batch)
            return
        if self._parked and any(heard.envelope and heard.envelope.stream in self._parked for heard in batch):
            # Parked by us, but perhaps replayed meanwhile, here or by another replica.
            self._parked = await self._database.read(self.place.parked_streams)
        try:
            await self._apply(batch)
        except (CheckpointMoved, StoreUnavailable, OSError):
            raise
        except Exception:
            # One of them is bad. Alone, each shows whether it is the one.
            for heard in batch:
                await self._apply_alone(heard)

    async def _fill_gap(self, batch: Sequence[Heard]) -> None:
        """The topic skips positions: read again from the checkpoint; the relay fills the topic from there."""
        held = self.position
        _log.warning("%s stands at %d and was given %d", self.place.reader, held, batch[0].position)
        contiguous = 0
        while contiguous < len(batch) and batch[contiguous].position == held + contiguous + 1:
            contiguous += 1
        if contiguous:
            await self._take_in(batch[:contiguous])
        self.waits_for = "a missing position"
        await asyncio.sleep(GAP_PAUSE_S)
        self.rewind(self.position)

    async def _apply(self, batch: Sequence[Heard]) -> None:
        """Effects and checkpoint of a whole batch, all or nothing."""
        envelopes = [heard.envelope for heard in batch if heard.envelope and heard.envelope.stream not in self._parked]
        if len(envelopes) < len(batch):
            raise _NeedsCare
        with self._traced(envelopes):
            await self._commit(self._react(envelopes), batch[-1].position)

    async def _apply_alone(self, heard: Heard) -> None:
        if heard.envelope and heard.envelope.stream in self._parked:
            await self._park(heard, "an earlier event of its stream is parked", 0)
            return
        reason = ""
        for _ in range(TRIES_MAX):
            try:
                envelope = _readable(heard)
                with self._traced([envelope]):
                    await self._commit(self._react([envelope]), heard.position)
                return
            except (CheckpointMoved, StoreUnavailable, OSError):
                raise
            except Exception as error:
                reason = _said(error)
                await asyncio.sleep(BACKOFF_S_FIRST)
        await self._park(heard, reason, TRIES_MAX)

    def _traced(self, envelopes: Sequence[Envelope]) -> AbstractContextManager[None]:
        return self._tracing.hearing(self.place.topic, envelopes) if self._tracing else nullcontext()

    async def _park(self, heard: Heard, reason: str, tries: int) -> None:
        def park(connection: Connection) -> None:
            # The checkpoint first: where a twin was faster, it has parked this event as well.
            self.place.move(connection, self.position, heard.position)
            self.place.park(connection, heard, reason, tries)
            failpoint("dead-letter.before-commit")

        await self._write_from(self.position, park)
        failpoint("dead-letter.after-commit")
        if heard.envelope:
            self._parked.add(heard.envelope.stream)
        self._moved_to(heard.position)
        _log.error("%s parked %s:%d: %s", self.place.reader, self.place.topic, heard.position, reason[:200])

    async def _commit(self, effects: Effects, position: int) -> None:
        expected = self.position

        def commit(connection: Connection) -> None:
            failpoint("subscription.before-effects")
            effects.apply(connection)
            failpoint("subscription.before-checkpoint")
            # The checkpoint moves in the effects' own transaction: a crash repeats a read, never an effect.
            self.place.move(connection, expected, position)
            failpoint("subscription.before-commit")

        await self._write_from(expected, commit)
        failpoint("subscription.after-commit")
        self._moved_to(position)
        effects.committed()

    async def _write_from(self, expected: int, work: Work[None]) -> None:
        try:
            await self._database.write(work)
        except IntegrityError as error:
            if await self._database.read(self.place.checkpoint) != expected:
                raise CheckpointMoved(f"{self.place.reader} was overtaken at {expected}") from error
            raise

    def _moved_to(self, position: int) -> None:
        self.position = position
        self._on_progress()

    async def replay(self, stream: str | None, position: int | None = None) -> tuple[int, int]:
        """Hand parked events in again, in order; a stream stops at its first that fails. (handled, still parked)."""
        letters = await self._database.read(lambda connection: self.place.parked(connection, stream))
        held_back: set[str] = set()
        handled = 0
        for letter in letters:
            if letter.stream in held_back:
                continue
            if position in (None, letter.position) and await self._replays(letter):
                handled += 1
            elif letter.stream:
                # It failed or was passed over: no later one of its stream may overtake it.
                held_back.add(letter.stream)
        return handled, len(letters) - handled

    async def _replays(self, letter: DeadLetter) -> bool:
        try:
            await self._replay_one(letter)
        except (StoreUnavailable, CheckpointMoved):
            raise
        except Exception as error:
            _log.error("%s cannot replay %d: %s", self.place.reader, letter.position, error)
            return False
        return True

    async def discard(self, position: int) -> bool:
        """Give a parked event up. True when it was there."""
        try:
            await self._database.write(lambda connection: self.place.unpark(connection, position))
        except CheckpointMoved:
            return False
        return True

    async def _replay_one(self, letter: DeadLetter) -> None:
        effects = self._react([_readable(hear(letter.position, letter.entry))])

        def commit(connection: Connection) -> None:
            effects.apply(connection)
            self.place.unpark(connection, letter.position)
            failpoint("replay.before-commit")

        await self._database.write(commit)
        failpoint("replay.after-commit")
        effects.committed()


class _NeedsCare(Exception):
    """The batch cannot be taken in as one."""


def _said(error: Exception) -> str:
    """An error in words that any store can keep: no zero byte, no half character, no end of it."""
    text = f"{type(error).__name__}: {error}"[:500]
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _readable(heard: Heard) -> Envelope:
    if heard.envelope is None:
        raise ValueError("the entry is not a CloudEvents document")
    return heard.envelope
