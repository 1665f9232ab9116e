"""Faults planted in the house, each as somebody might well have written it. A harness that misses one is worth little.

Each replaces a real seam in the process of one run, and is known by the finding that gives it away.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Connection, select

import shared.log.log
from services.referral import keeping, queries
from services.stats import counting
from shared.access.scope import INNER
from shared.database import StoreUnavailable
from shared.envelope import Envelope
from shared.log import Appended, Log, writing
from shared.log.append import AlreadyAnswered, Answer, Append, KeyReused, Outcome
from shared.log.rows import Head
from shared.log.writing import Written
from shared.relay.copy import TopicCopy
from shared.subscription import CheckpointMoved, Hearing, Place, Subscription
from shared.subscription.batch import Effects, Heard

TOPIC_LENGTH = 1


@dataclass(frozen=True)
class Planted:
    """`found`: the finding that names it. `struck_by`: a kind of fault without which it does no harm."""

    plant: Callable[[], None]
    found: str
    struck_by: str = ""


def _put(owner: Any, name: str, instead: Any) -> None:
    setattr(owner, name, instead)


def ack_before_commit() -> None:
    """A desk is answered as soon as its visit is in memory."""

    async def append(self: Log, append: Append) -> Appended:
        foreseen: Appended = await self.database.read(lambda connection: _foreseen(self, connection, append))
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.exception())
        self._waiting.append((append, future))
        self._commit_soon()
        return foreseen

    _put(Log, "append", append)


def _foreseen(log: Log, connection: Connection, append: Append) -> Appended:
    keys = {append.answer.key} if append.answer else set()
    cursor = connection.connection.cursor()
    found = writing.dialect_of(connection).look_up(cursor, [append.partition], {append.stream}, keys)
    for _, body in found.answers.values():
        raise AlreadyAnswered(body)
    position = found.heads[append.partition].position + len(append.events) + len(log._waiting)
    return Appended(append.partition, position, found.versions.get(append.stream, 0) + len(append.events))


def told_before_commit() -> None:
    """The relay hears of events while their transaction is still open."""
    append_within = Log.append_within

    def told(self: Log, connection: Connection, appends: Sequence[Append]) -> Written:
        written = append_within(self, connection, appends)
        self.announce(written)
        return written

    _put(Log, "append_within", told)


def checkpoint_apart() -> None:
    """Effects in one transaction, the checkpoint in the next."""

    async def commit(self: Subscription, effects: Effects, position: int) -> None:
        expected = self.position
        await self._database.write(effects.apply)
        await self._database.write(lambda connection: self.place.move(connection, expected, position))
        self._moved_to(position)
        effects.committed()

    _put(Subscription, "_commit", commit)


def checkpoint_in_memory() -> None:
    """What was taken in is remembered by the process alone."""
    _put(Place, "move", lambda _self, _connection, _expected, _position: None)


def twin_not_fenced() -> None:
    """The checkpoint is written wherever it stands: two readers each believe that it is theirs."""
    move = Place.move

    def unfenced(self: Place, connection: Connection, _expected: int, position: int) -> None:
        move(self, connection, self.checkpoint(connection), position)

    _put(Place, "move", unfenced)


def error_swallowed() -> None:
    """What cannot be taken in now is passed over."""

    async def hear(self: Subscription, batch: Sequence[Heard]) -> None:
        new = [heard for heard in batch if heard.position > self.position]
        if not new:
            return
        try:
            await self._apply(new)
        except (StoreUnavailable, CheckpointMoved):
            self.position = new[-1].position

    _put(Subscription, "_hear", hear)
    _put(Place, "move", _wherever_it_stands(Place.move))


def _wherever_it_stands(move: Callable[[Place, Connection, int, int], None]) -> Callable[..., None]:
    def moved(self: Place, connection: Connection, expected: int, position: int) -> None:
        stands = self.checkpoint(connection)
        if stands <= expected:
            move(self, connection, stands, position)
        else:
            raise CheckpointMoved

    return moved


def topic_cut_to_length() -> None:
    """The topic keeps its newest entries, whoever has read the others; a reader that is given 7 after 5 takes 7."""

    async def trim(self: TopicCopy, _through: int) -> None:
        await self._redis.xtrim(self.key, maxlen=TOPIC_LENGTH, approximate=False)

    async def begins_after(_self: TopicCopy) -> int:
        return 0

    async def take_all_the_same(self: Subscription, batch: Sequence[Heard]) -> None:
        await self._apply(batch)

    _put(TopicCopy, "trim", trim)
    _put(TopicCopy, "begins_after", begins_after)
    _put(Subscription, "_fill_gap", take_all_the_same)


def relay_does_not_compare() -> None:
    """The relay adds what it believes to be next, and trusts its own memory of where the topic ends."""

    async def advance(self: TopicCopy) -> bool:
        if self._ends_at is None:
            await self.look()
        for position, _tag, body in await self._read(self._after, 500):
            await self._redis.xadd(self.key, {"__data__": body}, id=f"{position}-0")
            self._ends_at = self._after = position
        return False

    async def look(self: TopicCopy) -> bool:
        self._ends_at = self._ends_at or 0
        return False

    _put(TopicCopy, "advance", advance)
    _put(TopicCopy, "look", look)


def position_from_a_sequence() -> None:
    """Positions come from a sequence, which does not go back when a transaction does."""
    given: dict[str, int] = {}
    begin, write = writing._Partition.__init__, writing.write

    def init(self: Any, source: str, partition: int, head: Head) -> None:
        begin(self, source, partition, head)
        self.position = max(self.position, given.get(source, 0))

    def counted(connection: Connection, source: str, appends: Sequence[Append], project: Any = None) -> Written:
        written = write(connection, source, appends, project)
        for entries in written.entries.values():
            given[source] = max([given.get(source, 0), *(entry.position for entry in entries)])
        return written

    _put(writing._Partition, "__init__", init)
    _put(shared.log.log, "write", counted)


def key_without_its_body() -> None:
    """Whoever sends a known key gets the first answer, whatever he asks for."""
    add = writing._Batch.add

    def forgiving(self: Any, append: Append) -> Outcome:
        outcome = add(self, append)
        if isinstance(outcome, KeyReused) and append.answer:
            return AlreadyAnswered(self._answers[append.answer.key][1])
        return outcome

    _put(writing._Batch, "add", forgiving)


def key_forgotten() -> None:
    """Idempotency keys are kept while their request runs, and no longer."""
    answered = writing._Batch._answered

    def not_kept(self: Any, appended: Appended, answer: Answer) -> Appended:
        before = len(self._answer_rows)
        done = answered(self, appended, answer)
        del self._answer_rows[before:]
        return done

    _put(writing._Batch, "_answered", not_kept)


def deaf_but_well() -> None:
    """After the server has forgotten everything the reader stops; readiness asks only whether the process is up."""
    report = Hearing._report

    async def stop_reading(self: Hearing, place: Place) -> None:
        await report(self, place)
        subscription = self._subscriptions[place]
        if self._watch[place].ends_at == 0 and subscription.position > 0:
            subscription.retire()

    _put(Hearing, "_report", stop_reading)
    _put(Hearing, "is_well", lambda _self, _subscription: True)


def day_of_the_server() -> None:
    """A visit is counted on the day that it is in Greenwich."""
    count: Callable[[Sequence[Envelope]], Any] = vars(counting)["count"]

    def in_greenwich(batch: Sequence[Envelope]) -> Any:
        return count([replace(one, occurred_at=_greenwich(one.occurred_at)) for one in batch])

    _put(counting, "count", in_greenwich)


def _greenwich(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).isoformat()


def partner_not_asked_for() -> None:
    """One list of referrals is read without saying whose."""

    async def queue(database: Any, *_asked: object) -> queries.QueuePage:
        query = select(keeping.QUEUE_ITEMS).order_by(keeping.QUEUE_ITEMS.c.position).limit(3)
        return queries.QueuePage(items=await queries.views(database, INNER, query), next=None)

    _put(queries, "queue", queue)


PLANTED: dict[str, Planted] = {
    "acknowledged before the commit": Planted(ack_before_commit, "lost visit"),
    "told before the commit": Planted(told_before_commit, "request handed to nobody", "disk error"),
    "checkpoint outside the transaction": Planted(checkpoint_apart, "figure differs", "crash"),
    "checkpoint in memory": Planted(checkpoint_in_memory, "never drained"),
    "twin not fenced": Planted(twin_not_fenced, "figure differs", "twin"),
    "error swallowed": Planted(error_swallowed, "request handed to nobody", "disk error"),
    "topic cut to a length": Planted(topic_cut_to_length, "request handed to nobody"),
    "relay does not compare": Planted(relay_does_not_compare, "never drained"),
    "position from a sequence": Planted(position_from_a_sequence, "position skipped"),
    "key without its body": Planted(key_without_its_body, "key taken for another request"),
    "key forgotten": Planted(key_forgotten, "key answered twice differently"),
    "deaf but well": Planted(deaf_but_well, "healthy but deaf", "bus wiped"),
    "day of the server": Planted(day_of_the_server, "figure differs"),
    "partner not asked for": Planted(partner_not_asked_for, "seen by another partner"),
}
"""By name: what is planted, and what gives it away."""
