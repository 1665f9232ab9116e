"""What we rely on in FastStream, held to it at every upgrade, and the whole way from a log to a reader's database."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from faststream.middlewares import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.specification import AsyncAPI
from redis.asyncio import Redis
from sqlalchemy import Connection, text

from shared.bus import DATA_FIELD
from shared.database import Database
from shared.envelope import Envelope, decode, encode
from shared.events import IntakeEvent, ReferralEvent
from shared.log import Log
from shared.relay import relay as relay_module
from shared.subscription import Effects, Heard, Hearing, Topic
from shared.subscription import batch as batch_module
from shared.subscription import hearing as hearing_module
from shared.subscription import subscription as subscription_module
from shared.subscription.batch import decode_batch, parse
from tests.logs import by_hand, fill, opened_database, opened_log, sqlite_file, visit
from tests.servers import Valkey
from tests.topics import connected, relaying, until

TOPIC = "topic:intake:0"


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is done once a second, ten times as often."""
    monkeypatch.setattr(relay_module, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(relay_module, "RETRY_AFTER_S", 0.02)
    monkeypatch.setattr(hearing_module, "REPORT_EVERY_S", 0.1)
    monkeypatch.setattr(hearing_module, "POLL_MS", 100)
    monkeypatch.setattr(subscription_module, "BACKOFF_S_FIRST", 0.001)
    monkeypatch.setattr(subscription_module, "GAP_PAUSE_S", 0.01)


def broker_of(valkey: Valkey) -> RedisBroker:
    """The broker as a service has it."""
    return RedisBroker(valkey.url, protocol="redis", apply_types=False, logger=cast("Any", None))


class Listener:
    """A bare subscriber of FastStream, as `Hearing` makes them; notes the positions of each batch."""

    def __init__(self, broker: RedisBroker, last_id: str = "0-0") -> None:
        self.batches: list[list[int]] = []
        self.heard: list[Heard] = []
        self.subscriber: Any = broker.subscriber(
            stream=StreamSub(TOPIC, batch=True, max_records=10, polling_interval=100, last_id=last_id),
            parser=parse,
            decoder=decode_batch,
            ack_policy=AckPolicy.MANUAL,
        )
        self.rewind_once_to: str | None = None
        self.raises = False

        async def handler(batch: list[Heard]) -> None:
            self.batches.append([heard.position for heard in batch])
            self.heard += batch
            if self.rewind_once_to is not None:
                self.subscriber.last_id, self.rewind_once_to = self.rewind_once_to, None
            if self.raises:
                raise LookupError

        self.subscriber(handler)

    async def until_heard(self, position: int, times: int = 1) -> None:
        async def it_is() -> bool:
            return [place for batch in self.batches for place in batch].count(position) >= times

        await until(it_is)


@asynccontextmanager
async def listening(valkey: Valkey, last_id: str = "0-0") -> AsyncIterator[tuple[Listener, Redis]]:
    async with connected(valkey) as redis:
        broker = broker_of(valkey)
        listener = Listener(broker, last_id)
        await broker.start()
        try:
            yield listener, redis
        finally:
            await broker.stop()


async def add(redis: Redis, first: int, last: int) -> None:
    """Put visits on the topic at these positions."""
    async with redis.pipeline() as together:
        for position in range(first, last + 1):
            together.xadd(TOPIC, {DATA_FIELD: encode(visit(str(position)))}, id=f"{position}-0")
        await together.execute()


async def test_a_subscriber_reads_behind_the_place_that_it_is_given(valkey: Valkey) -> None:
    async with listening(valkey, "3-0") as (listener, redis):
        await add(redis, 1, 6)
        await listener.until_heard(6)
        assert listener.batches[0][0] == 4


async def test_a_place_set_while_a_batch_is_handled_is_where_it_reads_on(valkey: Valkey) -> None:
    async with listening(valkey) as (listener, redis):
        listener.rewind_once_to = "2-0"
        await add(redis, 1, 5)
        await listener.until_heard(5, times=2)
        assert listener.batches == [[1, 2, 3, 4, 5], [3, 4, 5]]


async def test_a_subscriber_goes_on_behind_a_wipe_with_what_comes_after_its_place(valkey: Valkey) -> None:
    async with listening(valkey) as (listener, redis):
        await add(redis, 1, 5)
        await listener.until_heard(5)
        await redis.flushall()
        await add(redis, 4, 8)
        await listener.until_heard(8)
        assert [place for batch in listener.batches for place in batch] == list(range(1, 9))


async def test_a_batch_whose_handler_raised_is_not_handed_in_again(valkey: Valkey) -> None:
    # Why a handler of ours never raises.
    async with listening(valkey) as (listener, redis):
        listener.raises = True
        await add(redis, 1, 2)
        await listener.until_heard(2)
        await add(redis, 3, 4)
        await listener.until_heard(4)
        assert sorted(place for batch in listener.batches for place in batch) == [1, 2, 3, 4]


async def test_each_entry_is_decoded_once_and_by_us_alone(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes | str] = []

    def note(entry: bytes | str) -> Envelope:
        decoded.append(entry)
        return decode(entry)

    def refuse(_content: object) -> None:
        raise AssertionError("FastStream decodes as well")

    monkeypatch.setattr(batch_module, "decode", note)
    monkeypatch.setattr("faststream.message.utils.json_loads", refuse)
    monkeypatch.setattr("faststream.redis.parser.parsers.json_loads", refuse)
    monkeypatch.setattr("faststream.redis.parser.binary.json_loads", refuse)
    async with listening(valkey) as (listener, redis):
        await add(redis, 1, 5)
        await redis.xadd(TOPIC, {DATA_FIELD: b"\xff no JSON"}, id="6-0")
        await redis.xadd(TOPIC, {"another field": b"{}"}, id="7-0")
        await listener.until_heard(7)
        bodies = [encode(visit(str(position))) for position in range(1, 6)] + [b"\xff no JSON", b""]
        assert decoded == bodies
        assert [heard.body for heard in listener.heard] == bodies


class Kept:
    """One row for each event."""

    def __init__(self, batch: Sequence[Envelope]) -> None:
        self._positions = [{"position": envelope.position} for envelope in batch]

    def apply(self, connection: Connection) -> None:
        connection.execute(text("INSERT INTO heard VALUES (:position)"), self._positions)

    def committed(self) -> None:
        pass


def keep(batch: Sequence[Envelope]) -> Effects:
    return Kept(batch)


def hearing_of(broker: RedisBroker, redis: Redis, database: Database) -> Hearing:
    hearing = Hearing(broker, redis, database, "stats")
    hearing.subscribe(Topic("intake", 1, keep, IntakeEvent))
    return hearing


@asynccontextmanager
async def house(folder: Path, valkey: Valkey) -> AsyncIterator[tuple[Log, Hearing]]:
    """A log, its relay, and one reader of its topic."""
    async with (
        opened_log(sqlite_file(folder, "intake")) as log,
        opened_database(sqlite_file(folder, "stats"), "stats") as database,
        relaying(log, valkey) as redis,
    ):
        with by_hand(sqlite_file(folder, "stats"), "stats").begin() as connection:
            connection.execute(text("CREATE TABLE heard (position BIGINT NOT NULL)"))
        broker = broker_of(valkey)
        hearing = hearing_of(broker, redis, database)
        await broker.connect()
        await hearing.start()
        try:
            yield log, hearing
        finally:
            await hearing.stop()
            await broker.stop()


async def until_drained(log: Log, hearing: Hearing) -> None:
    async def drained() -> bool:
        return hearing.subscriptions[0].position == (await log.heads())[0]

    await until(drained)


def kept(folder: Path) -> list[int]:
    with by_hand(sqlite_file(folder, "stats"), "stats").connect() as connection:
        return [row[0] for row in connection.execute(text("SELECT position FROM heard ORDER BY rowid"))]


async def test_everything_appended_is_heard_once_and_in_order(tmp_path: Path, valkey: Valkey) -> None:
    async with house(tmp_path, valkey) as (log, hearing):
        for _ in range(10):
            await fill(log, 150)
        await until_drained(log, hearing)
        assert kept(tmp_path) == list(range(1, 1_501))


@pytest.mark.parametrize("fault", ["flush", "delete", "skip", "kill"])
async def test_a_bus_at_fault_costs_a_reader_nothing_and_gives_it_nothing_twice(
    tmp_path: Path, valkey: Valkey, fault: str
) -> None:
    def spoil() -> None:
        with valkey.client() as client:
            match fault:
                case "flush":
                    client.flushall()
                case "delete":
                    client.delete(TOPIC)
                case "skip":
                    # Somebody deletes entries that are not read yet: a gap, which the reader sees and has filled.
                    for entry_id, _fields in client.xrevrange(TOPIC, count=3):
                        client.xdel(TOPIC, entry_id)
                case "kill":
                    valkey.kill()
                    valkey.restart(empty=True)

    async with house(tmp_path, valkey) as (log, hearing):
        for number in range(12):
            await fill(log, 25)
            if number % 4 == 1:
                await asyncio.to_thread(spoil)
        await until_drained(log, hearing)
        assert kept(tmp_path) == list(range(1, 301))


async def test_a_hearing_that_was_stopped_reads_on_from_its_checkpoint(tmp_path: Path, valkey: Valkey) -> None:
    async with house(tmp_path, valkey) as (log, hearing):
        await fill(log, 20)
        await until_drained(log, hearing)
        await hearing.stop()
        await fill(log, 20)
        await asyncio.sleep(0.15)
        assert kept(tmp_path) == list(range(1, 21))
        await hearing.start()
        await until_drained(log, hearing)
        assert kept(tmp_path) == list(range(1, 41))


async def test_what_all_readers_have_heard_leaves_the_bus(tmp_path: Path, valkey: Valkey) -> None:
    async with house(tmp_path, valkey) as (log, hearing), connected(valkey) as redis:
        await fill(log, 50)
        await until_drained(log, hearing)

        async def is_empty() -> bool:
            return bool(await redis.xlen(TOPIC) == 0)

        async def is_well() -> bool:
            return hearing.is_well(hearing.subscriptions[0])

        await until(is_empty)
        await until(is_well)


async def test_asyncapi_names_the_events_that_a_subscriber_hears(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_database(sqlite_file(tmp_path), "stats") as database, connected(valkey) as redis:
        broker = broker_of(valkey)
        hearing = Hearing(broker, redis, database, "stats")
        hearing.subscribe(Topic("intake", 2, keep, IntakeEvent))
        hearing.subscribe(Topic("referral", 1, keep, ReferralEvent))
        told = AsyncAPI(broker, title="stats", version="1", schema_version="3.0.0").to_specification().to_jsonable()
        addresses = {channel["address"] for channel in told["channels"].values()}
        assert addresses == {"topic:intake:0", "topic:intake:1", "topic:referral:0"}
        titles = {
            event["title"] for schema in told["components"]["schemas"].values() for event in schema["items"]["anyOf"]
        }
        assert titles == {event.__name__ for event in (*get_args(IntakeEvent), *get_args(ReferralEvent))}
