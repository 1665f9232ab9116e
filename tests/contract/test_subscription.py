"""A subscription: effects happen once and in order, and nothing stops the line."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from msgspec import Raw
from sqlalchemy import Connection, text

from shared.database import Database, Result, StoreUnavailable, Work
from shared.envelope import SPEC_VERSION, Envelope, encode, event_id
from shared.subscription import Effects, Heard, Place, Subscription
from shared.subscription import subscription as subscription_module
from shared.subscription.batch import hear
from shared.subscription.tables import DeadLetter
from tests.logs import OCCURRED_AT, by_hand, founded, opened_database, visit

PLACE = Place("stats", "intake", 0)
KEEP = "INSERT INTO heard (position) VALUES (:position)"


@pytest.fixture(autouse=True)
def waits_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same patience, in milliseconds."""
    monkeypatch.setattr(subscription_module, "BACKOFF_S_FIRST", 0.001)
    monkeypatch.setattr(subscription_module, "BACKOFF_S_MAX", 0.01)
    monkeypatch.setattr(subscription_module, "GAP_PAUSE_S", 0.001)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A reader's database, with a table in which a second effect of one event would be seen."""
    founded(database_url, "stats")
    number = "INTEGER PRIMARY KEY" if database_url.startswith("sqlite") else "SERIAL"
    with by_hand(database_url, "stats").begin() as connection:
        connection.execute(text(f"CREATE TABLE heard (number {number}, position BIGINT NOT NULL)"))
    async with opened_database(database_url, "stats") as opened:
        yield opened


def entry(position: int, stream: str = "", event_type: str = "intake.visit-recorded.v1") -> Heard:
    """A visit as the topic gives it, of a stream of its own unless one is named."""
    stream = stream or f"case-{position}"
    place = event_id("intake", 0, position)
    data = Raw(encode(visit(stream)))
    envelope = Envelope(
        SPEC_VERSION, place, "intake", event_type, stream, OCCURRED_AT, OCCURRED_AT, str(position), 1, data
    )
    return hear(position, encode(envelope))


class Kept:
    """Effects that leave one row for each event; `troubles` are raised one after the other, then no more."""

    def __init__(self, batch: Sequence[Envelope], troubles: Iterator[Exception]) -> None:
        self._positions = [{"position": envelope.position} for envelope in batch]
        self._troubles = troubles

    def apply(self, connection: Connection) -> None:
        for position in self._positions:
            connection.execute(text(KEEP), position)
        for trouble in self._troubles:
            raise trouble

    def committed(self) -> None:
        pass


class Reader:
    """A subscription whose handler stumbles over the positions in `poison`; `tries` counts how often."""

    def __init__(self, database: Database, *troubles: Exception) -> None:
        self.database = database
        self.poison: set[int] = set()
        self.tries = 0
        self.rewound_to: list[int] = []
        self._troubles = iter(troubles)
        self.subscription = Subscription(database, PLACE, self.react, lambda: None)
        self.subscription.rewind = self.rewound_to.append

    def react(self, batch: Sequence[Envelope]) -> Effects:
        for envelope in batch:
            _ = envelope.event
            if envelope.position in self.poison:
                self.tries += len(batch) == 1
                raise LookupError(f"no such partner at {envelope.position}")
        return Kept(batch, self._troubles)

    async def hear(self, *batch: Heard) -> None:
        await self.subscription.hear(batch)

    async def kept(self) -> list[int]:
        """The positions whose effects are there, in the order in which they were made."""
        return await self.database.read(
            lambda connection: [
                row[0] for row in connection.execute(text("SELECT position FROM heard ORDER BY number"))
            ]
        )

    async def checkpoint(self) -> int:
        return await self.database.read(PLACE.checkpoint)

    async def parked(self) -> list[DeadLetter]:
        return await self.database.read(PLACE.parked)


async def loaded(database: Database, *troubles: Exception) -> Reader:
    reader = Reader(database, *troubles)
    await reader.subscription.load()
    return reader


async def test_effects_and_checkpoint_are_kept_together(database: Database) -> None:
    reader = await loaded(database)
    await reader.hear(entry(1), entry(2), entry(3))
    assert (await reader.kept(), await reader.checkpoint()) == ([1, 2, 3], 3)
    await reader.hear(entry(4))
    assert (await reader.kept(), await reader.checkpoint()) == ([1, 2, 3, 4], 4)
    assert reader.subscription.position == 4


async def test_effects_that_cannot_be_made_move_no_checkpoint(database: Database) -> None:
    reader = await loaded(database, *[ValueError("no room")] * 6)
    await reader.hear(entry(1))
    # Once as a batch, five times alone: each time the row was written and taken back.
    assert (await reader.kept(), await reader.checkpoint()) == ([], 1)
    assert [letter.reason for letter in await reader.parked()] == ["ValueError: no room"]


async def test_a_reader_resumes_where_it_stood(database: Database) -> None:
    await (await loaded(database)).hear(entry(1), entry(2))
    restarted = await loaded(database)
    assert (restarted.subscription.position, restarted.rewound_to) == (2, [2])
    await restarted.hear(entry(3))
    assert await restarted.kept() == [1, 2, 3]


async def test_what_is_done_already_is_dropped(database: Database) -> None:
    reader = await loaded(database)
    await reader.hear(entry(1), entry(2))
    await reader.hear(entry(1), entry(2), entry(3))
    await reader.hear(entry(2))
    assert (await reader.kept(), await reader.checkpoint()) == ([1, 2, 3], 3)


async def test_a_twin_that_was_overtaken_commits_nothing_and_reads_on_behind_the_faster(database: Database) -> None:
    faster, stalled = await loaded(database), await loaded(database)
    await faster.hear(entry(1), entry(2), entry(3))
    await stalled.hear(entry(1), entry(2))
    assert await faster.kept() == [1, 2, 3]
    assert (stalled.subscription.position, stalled.rewound_to[-1]) == (3, 3)
    await stalled.hear(entry(4))
    assert await faster.kept() == [1, 2, 3, 4]


async def read_side_by_side(*databases: Database) -> None:
    twins = [await loaded(database) for database in databases]

    async def read(twin: Reader) -> None:
        while (position := twin.subscription.position) < 40:
            await twin.hear(*(entry(position + step) for step in range(1, 4)))

    await asyncio.gather(*(read(twin) for twin in twins))
    kept = await twins[0].kept()
    assert kept == list(range(1, len(kept) + 1))
    assert await twins[0].checkpoint() == len(kept)


async def test_twins_side_by_side_keep_each_effect_once(database: Database) -> None:
    await read_side_by_side(database, database)


async def test_twins_in_two_processes_keep_each_effect_once(postgres_url: str) -> None:
    founded(postgres_url, "stats")
    with by_hand(postgres_url, "stats").begin() as connection:
        connection.execute(text("CREATE TABLE heard (number SERIAL, position BIGINT NOT NULL)"))
    async with opened_database(postgres_url, "stats") as one, opened_database(postgres_url, "stats") as other:
        await read_side_by_side(one, other)


async def test_a_poison_event_met_by_twins_is_parked_once(database: Database) -> None:
    faster, stalled = await loaded(database), await loaded(database)
    for twin in (faster, stalled):
        twin.poison = {1}
        await twin.hear(entry(1))
    assert [letter.position for letter in await faster.parked()] == [1]
    assert stalled.subscription.position == 1
    await stalled.hear(entry(2))
    assert await faster.kept() == [2]


async def test_after_a_gap_it_reads_again_from_its_checkpoint(database: Database) -> None:
    reader = await loaded(database)
    await reader.hear(entry(1), entry(2))
    await reader.hear(entry(5), entry(6))
    assert (await reader.kept(), reader.rewound_to[-1]) == ([1, 2], 2)
    await reader.hear(entry(3), entry(4), entry(5), entry(6))
    assert await reader.kept() == [1, 2, 3, 4, 5, 6]


async def test_what_stands_before_a_gap_is_taken_in(database: Database) -> None:
    reader = await loaded(database)
    await reader.hear(entry(1), entry(2), entry(4), entry(5))
    assert (await reader.kept(), reader.rewound_to[-1]) == ([1, 2], 2)


async def test_a_store_that_is_away_is_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = await loaded(database)
    write, away = database.write, iter([StoreUnavailable("away")] * 12)

    async def write_or_fail(work: Work[Result]) -> Result:
        for error in away:
            assert reader.subscription.waits_for in (None, "StoreUnavailable")
            raise error
        return await write(work)

    monkeypatch.setattr(database, "write", write_or_fail)
    await reader.hear(entry(1), entry(2))
    # More often than a poison event is tried: the events are not to blame.
    assert (await reader.kept(), await reader.checkpoint()) == ([1, 2], 2)
    assert (await reader.parked(), reader.subscription.waits_for) == ([], None)


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (hear(2, b"{not json"), "not a CloudEvents document"),
        (hear(2, b""), "not a CloudEvents document"),
        (hear(2, b'{"specversion":"1.0"}'), "not a CloudEvents document"),
        (hear(2, encode(entry(2).envelope).replace(b"case-2", b"case-\\u0000")), "not a CloudEvents document"),  # type: ignore[arg-type]
        (entry(2, event_type="intake.visit-recorded.v9"), "UnknownEvent: event type 'intake.visit-recorded.v9'"),
        (hear(2, entry(2).body.replace(b'"channel"', b'"tunnel"')), "MalformedEvent: intake.visit-recorded.v1"),
    ],
)
async def test_an_unreadable_event_is_parked_with_its_reason_and_others_go_on(
    database: Database, poison: Heard, reason: str
) -> None:
    reader = await loaded(database)
    await reader.hear(entry(1), poison, entry(3))
    assert (await reader.kept(), await reader.checkpoint()) == ([1, 3], 3)
    [letter] = await reader.parked()
    assert (letter.position, letter.tries, letter.entry) == (2, 5, poison.body)
    assert reason in letter.reason


async def test_a_reason_that_no_column_could_hold_is_parked_all_the_same(database: Database) -> None:
    reader = await loaded(database, *[ValueError("a \x00 and \ud800" + "x" * 10_000)] * 6)
    await reader.hear(entry(1), entry(2))
    [letter] = await reader.parked()
    assert letter.reason.startswith("ValueError: a ")
    assert await reader.kept() == [2]


async def test_an_event_that_a_handler_refuses_is_parked_after_five_tries(database: Database) -> None:
    reader = await loaded(database)
    reader.poison = {2}
    await reader.hear(entry(1), entry(2), entry(3))
    assert (await reader.kept(), reader.tries) == ([1, 3], 5)
    [letter] = await reader.parked()
    assert (letter.stream, letter.reason) == ("case-2", "LookupError: no such partner at 2")


async def test_later_events_of_a_parked_stream_do_not_overtake_it(database: Database) -> None:
    reader = await loaded(database)
    reader.poison = {1}
    await reader.hear(entry(1, "case-rose"), entry(2, "case-iris"), entry(3, "case-rose"))
    await reader.hear(entry(4, "case-rose"), entry(5, "case-iris"))
    assert (await reader.kept(), await reader.checkpoint()) == ([2, 5], 5)
    letters = await reader.parked()
    assert [(letter.position, letter.tries) for letter in letters] == [(1, 5), (3, 0), (4, 0)]
    assert "earlier event" in letters[1].reason
    restarted = await loaded(database)
    await restarted.hear(entry(6, "case-rose"), entry(7, "case-iris"))
    assert (await restarted.kept(), len(await restarted.parked())) == ([2, 5, 7], 4)


async def two_streams_parked(database: Database) -> Reader:
    """case-rose lies with 1, 3 and 5; case-iris with 2 and 4; what was wrong is mended."""
    reader = await loaded(database)
    reader.poison = {1, 2}
    rose, iris = "case-rose", "case-iris"
    await reader.hear(entry(1, rose), entry(2, iris), entry(3, rose), entry(4, iris), entry(5, rose))
    reader.poison = set()
    return reader


async def test_all_dead_letters_are_replayed_in_order_and_their_streams_go_on(database: Database) -> None:
    reader = await two_streams_parked(database)
    assert await reader.subscription.replay(None) == (5, 0)
    assert (await reader.kept(), await reader.parked()) == ([1, 2, 3, 4, 5], [])
    await reader.hear(entry(6, "case-rose"))
    assert await reader.kept() == [1, 2, 3, 4, 5, 6]
    assert await reader.subscription.replay(None) == (0, 0)


async def test_the_dead_letters_of_one_stream_are_replayed_alone(database: Database) -> None:
    reader = await two_streams_parked(database)
    assert await reader.subscription.replay("case-rose") == (3, 0)
    assert await reader.kept() == [1, 3, 5]
    await reader.hear(entry(6, "case-rose"), entry(7, "case-iris"))
    assert await reader.kept() == [1, 3, 5, 6]
    assert [letter.position for letter in await reader.parked()] == [2, 4, 7]


async def test_one_dead_letter_is_replayed_and_its_stream_waits_for_the_others(database: Database) -> None:
    reader = await two_streams_parked(database)
    handled, _left = await reader.subscription.replay(None, position=1)
    assert (handled, await reader.kept()) == (1, [1])
    await reader.hear(entry(6, "case-rose"))
    assert [letter.position for letter in await reader.parked()] == [2, 3, 4, 5, 6]


async def test_a_dead_letter_is_not_replayed_before_an_earlier_one_of_its_stream(database: Database) -> None:
    reader = await two_streams_parked(database)
    handled, _left = await reader.subscription.replay(None, position=3)
    assert (handled, await reader.kept()) == (0, [])
    assert len(await reader.parked()) == 5


async def test_a_stream_stops_at_its_first_dead_letter_that_fails_again(database: Database) -> None:
    reader = await two_streams_parked(database)
    reader.poison = {3}
    assert await reader.subscription.replay(None) == (3, 2)
    assert await reader.kept() == [1, 2, 4]
    assert [letter.position for letter in await reader.parked()] == [3, 5]


async def test_a_dead_letter_given_up_lets_its_stream_go_on(database: Database) -> None:
    reader = await loaded(database)
    reader.poison = {1}
    await reader.hear(entry(1, "case-rose"), entry(2))
    assert await reader.subscription.discard(1)
    assert not await reader.subscription.discard(1)
    await reader.hear(entry(3, "case-rose"))
    assert (await reader.kept(), await reader.parked()) == ([2, 3], [])


async def test_dead_letters_replayed_twice_at_once_have_one_effect(database: Database) -> None:
    reader = await two_streams_parked(database)
    await asyncio.gather(*(reader.subscription.replay(None) for _ in range(3)), return_exceptions=True)
    await reader.subscription.replay(None)
    assert sorted(await reader.kept()) == [1, 2, 3, 4, 5]
    assert await reader.parked() == []


async def test_a_retired_reader_leaves_what_it_was_handed_while_it_was_held(database: Database) -> None:
    reader = await loaded(database, *[StoreUnavailable("no such table")] * 100)
    async with reader.subscription.held():
        waiting = asyncio.create_task(reader.hear(entry(1)))
        await asyncio.sleep(0)
        reader.subscription.retire()
    await waiting
    assert (await reader.kept(), await reader.checkpoint()) == ([], 0)
    assert reader.subscription.waits_for is None
