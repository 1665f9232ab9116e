"""Replicas that share the partitions of a topic: each effect once, whoever comes, goes or stands still."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from faststream.redis import RedisBroker
from sqlalchemy import Connection, make_url, text

from shared.bus import checkpoints_key
from shared.database import Database
from shared.envelope import Envelope
from shared.events.intake import VisitRecorded
from shared.log import Log
from shared.rebuild import rebuild_heard
from shared.service import Schema, Service
from shared.settings import Settings
from shared.subscription import Hearing, Topic, ownership
from shared.web.problems import Problem
from tests.logs import PARTS, newest, opened_database, opened_log, to_append
from tests.servers import Valkey
from tests.topics import connected, relaying

PARTITIONS = 16
READER = "stats"


@pytest.fixture(autouse=True)
def quick_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions change hands faster than in a house."""
    monkeypatch.setattr(ownership, "TICK_S", 0.1)


class Replica:
    """One process's worth of a service that notes each event it hears. `hold` stops its writer before a note."""

    def __init__(self, database: Database, hearing: Hearing) -> None:
        self.database, self.hearing = database, hearing
        self.hold = threading.Event()
        self.hold.set()
        self.is_held = threading.Event()

    def react(self, batch: Sequence[Envelope]) -> "_Notes":
        return _Notes(self, [envelope.id for envelope in batch])

    def shares(self) -> list[int]:
        """The partitions it reads."""
        return [one.place.partition for one in self.hearing.subscriptions if self.hearing.owns(one)]


class _Notes:
    def __init__(self, replica: Replica, ids: Sequence[str]) -> None:
        self._replica, self._ids = replica, ids

    def apply(self, connection: Connection) -> None:
        if not self._replica.hold.is_set():
            self._replica.is_held.set()
            self._replica.hold.wait()
        for event in self._ids:
            connection.execute(text("INSERT INTO notes VALUES (:event)"), {"event": event})

    def committed(self) -> None:
        pass


@asynccontextmanager
async def replica(url: str, valkey: Valkey, partitions: int = PARTITIONS) -> AsyncIterator[Replica]:
    """A replica that has begun to read; it leaves in good order."""
    async with opened_database(url, READER) as database, connected(valkey) as redis:
        create = text("CREATE TABLE IF NOT EXISTS notes (event TEXT NOT NULL)")
        await database.write(lambda connection: connection.execute(create))
        broker = RedisBroker(valkey.url, protocol=cast("Any", 2), apply_types=False, logger=cast("Any", None))
        hearing = Hearing(broker, redis, database, READER)
        one = Replica(database, hearing)
        hearing.subscribe(Topic("intake", partitions, one.react, VisitRecorded))
        await broker.connect()
        try:
            await hearing.start()
            yield one
        finally:
            one.hold.set()
            await hearing.stop()
            await broker.stop()


async def append(log: Log, name: str, each: int = 5) -> None:
    """Some events in every partition."""
    await log.append_each(
        [
            to_append(f"case-{name}-{partition}-{number}", partition=partition)
            for partition in range(log.partitions)
            for number in range(each)
        ]
    )


async def until(reached: Callable[[], bool | Awaitable[bool]]) -> None:
    """Come back when it is so. The test's own time limit is the only one."""
    while True:
        found = reached()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.02)


async def until_all_is_noted(log: Log, one: Replica) -> None:
    """Come back when every event of the log has been noted, and see that each was noted once."""
    expected = sum((await log.heads()).values())
    await until(lambda: _is_noted(one, expected))
    noted = Counter(await notes(one))
    assert set(noted.values()) == {1}
    assert len(noted) == expected


async def _is_noted(one: Replica, expected: int) -> bool:
    return len(await notes(one)) >= expected


async def notes(one: Replica) -> list[str]:
    """The events noted by anybody."""
    return await one.database.read(
        lambda connection: [row[0] for row in connection.execute(text("SELECT event FROM notes"))]
    )


def are_shared(*replicas: Replica) -> bool:
    """Whether every partition is read by exactly one of them, and none has more than its share."""
    shares = [one.shares() for one in replicas]
    most = -(-PARTITIONS // len(replicas))
    return sorted(chain.from_iterable(shares)) == list(range(PARTITIONS)) and all(
        0 < len(share) <= most for share in shares
    )


def end_lock_sessions(url: str, *replicas: Replica) -> Callable[[], bool]:
    """End every replica's session for locks, as a failing server or network would; tells whether these know of it.

    They know it for good then: for how long they are unsteady is a matter of moments, which may be over unseen.
    """
    sessions = [_lock_session(one) for one in replicas]
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'maison %'"
        )
    return lambda: all(_lock_session(one) is not before for one, before in zip(replicas, sessions, strict=True))


def _lock_session(one: Replica) -> object:
    return one.hearing._ownership._locks  # type: ignore[attr-defined]


async def test_one_process_on_sqlite_owns_everything(tmp_path: Path, valkey: Valkey) -> None:
    url = f"sqlite:///{tmp_path}"
    async with (
        opened_log(f"{url}/intake.db") as log,
        relaying(log, valkey),
        replica(f"{url}/stats.db", valkey, 1) as one,
    ):
        assert one.shares() == [0]
        await append(log, "rose")
        await until_all_is_noted(log, one)


async def test_a_replica_alone_reads_every_partition(postgres_url: str, valkey: Valkey) -> None:
    async with opened_log(postgres_url) as log, relaying(log, valkey), replica(postgres_url, valkey) as one:
        # Not all at its start, where the machine is slow: what could not be begun in time is taken a little later.
        await until(lambda: are_shared(one))
        await append(log, "rose")
        await until_all_is_noted(log, one)


@pytest.mark.parametrize("count", [2, 3])
async def test_replicas_share_the_partitions_and_note_each_event_once(
    postgres_url: str, valkey: Valkey, count: int
) -> None:
    async with opened_log(postgres_url) as log, relaying(log, valkey), AsyncExitStack() as stack:
        replicas = []
        for number in range(count):
            replicas.append(await stack.enter_async_context(replica(postgres_url, valkey)))
            await append(log, f"arrival-{number}")
        # Events go on while partitions change hands.
        while not are_shared(*replicas):
            await append(log, f"sharing-{asyncio.get_running_loop().time()}", each=1)
            await asyncio.sleep(0.05)
        await until_all_is_noted(log, replicas[0])


async def test_what_a_leaving_replica_read_is_taken_over(postgres_url: str, valkey: Valkey) -> None:
    async with opened_log(postgres_url) as log, relaying(log, valkey), replica(postgres_url, valkey) as one:
        async with replica(postgres_url, valkey) as other:
            await until(lambda: are_shared(one, other))
            await append(log, "before")
        await append(log, "after")
        await until(lambda: are_shared(one))
        await until_all_is_noted(log, one)


async def test_replicas_whose_lock_sessions_end_stop_and_share_again(postgres_url: str, valkey: Valkey) -> None:
    async with (
        opened_log(postgres_url) as log,
        relaying(log, valkey),
        replica(postgres_url, valkey) as one,
        replica(postgres_url, valkey) as other,
    ):
        for number in range(2):
            await until(lambda: are_shared(one, other))
            await append(log, f"before-{number}")
            know_of_it = end_lock_sessions(postgres_url, one, other)
            await append(log, f"meanwhile-{number}")
            await until(know_of_it)
        await until(lambda: are_shared(one, other))
        await until_all_is_noted(log, one)


async def test_a_replica_that_stalls_inside_its_transaction_commits_nothing(postgres_url: str, valkey: Valkey) -> None:
    async with opened_log(postgres_url) as log, relaying(log, valkey), replica(postgres_url, valkey) as stalled:
        stalled.hold.clear()
        await append(log, "rose")
        await until(stalled.is_held.is_set)
        async with replica(postgres_url, valkey) as other:
            # Its locks go; its transaction hangs on.
            end_lock_sessions(postgres_url)
            await until(lambda: len(other.shares()) >= PARTITIONS // 2)
            stalled.hold.set()
            await until(lambda: are_shared(stalled, other))
            await until_all_is_noted(log, other)


async def test_a_partition_is_handed_over_only_when_the_batch_under_way_is_finished(
    postgres_url: str, valkey: Valkey
) -> None:
    async with opened_log(postgres_url) as log, relaying(log, valkey), replica(postgres_url, valkey) as one:
        one.hold.clear()
        await append(log, "rose")
        await until(one.is_held.is_set)
        async with replica(postgres_url, valkey) as other:
            # Two are there, and what the first has under way is still its own.
            await until(lambda: bool(one.hearing._ownership._leaving))  # type: ignore[attr-defined]
            assert one.shares()
            one.hold.set()
            await until(lambda: are_shared(one, other))
            await until_all_is_noted(log, other)


async def test_only_the_owner_reports_how_far_a_reader_has_come(postgres_url: str, valkey: Valkey) -> None:
    async with (
        opened_log(postgres_url) as log,
        relaying(log, valkey) as redis,
        replica(postgres_url, valkey) as one,
        replica(postgres_url, valkey) as other,
    ):
        await until(lambda: are_shared(one, other))
        await append(log, "rose", each=5)
        await until_all_is_noted(log, one)
        await until(lambda: sum(map(max, _positions(one, other))) == PARTITIONS * 5)
        # A replica that no longer reads a partition, or never did, believes that it stands further back.
        assert any(min(pair) < 5 for pair in _positions(one, other))
        for reporting in ((one, other), (other, one)):

            async def the_owner_is_heard(reporting: tuple[Replica, Replica] = reporting) -> bool:
                for each in reporting:
                    await each.hearing.report()
                keys = [checkpoints_key("intake", partition) for partition in range(PARTITIONS)]
                said = [await redis.hget(key, READER) for key in keys]
                return all(told is not None and told.split()[0] == b"5" for told in said)

            # Whoever comes last: again only where a partition was without an owner just then.
            await until(the_owner_is_heard)


def _positions(one: Replica, other: Replica) -> list[tuple[int, int]]:
    pairs = zip(one.hearing.subscriptions, other.hearing.subscriptions, strict=True)
    return [(mine.position, theirs.position) for mine, theirs in pairs]


async def test_reading_can_end_and_begin_again_without_a_trace(tmp_path: Path, valkey: Valkey) -> None:
    url = f"sqlite:///{tmp_path}"
    async with (
        opened_log(f"{url}/intake.db") as log,
        relaying(log, valkey) as redis,
        replica(f"{url}/stats.db", valkey, 1) as one,
    ):
        place = one.hearing.subscriptions[0].place
        tasks = clients = 0
        for number in range(20):
            await one.hearing.end(place, at_once=bool(number % 2))
            await append(log, f"rose-{number}", each=40)
            await one.hearing.begin(place)
            if number == 0:
                tasks, clients = len(asyncio.all_tasks()), len(await redis.client_list())
        await until_all_is_noted(log, one)

        async def nothing_is_left() -> bool:
            return len(asyncio.all_tasks()) <= tasks + 1 and len(await redis.client_list()) <= clients + 1

        # What ends of itself may take its time; a loop that was left behind reads for ever.
        await until(nothing_is_left)


async def test_a_reader_keeps_one_waiting_connection_for_each_partition(postgres_url: str, valkey: Valkey) -> None:
    async with opened_log(postgres_url) as log, relaying(log, valkey) as redis, replica(postgres_url, valkey) as one:
        await append(log, "rose")
        await until_all_is_noted(log, one)
        for _ in range(2):
            await until(end_lock_sessions(postgres_url, one))
            await until(lambda: are_shared(one))

        async def one_waits_for_each() -> bool:
            waiting = [client for client in await redis.client_list() if client["cmd"] == "xread"]
            return len(waiting) <= PARTITIONS

        # The server hears of a line that was hung up when it comes to it; one that was left open would stay.
        await until(one_waits_for_each)


@asynccontextmanager
async def service(url: str, valkey: Valkey) -> AsyncIterator[tuple[Service, Replica]]:
    """A whole service that notes what it hears, whether the bus is there or not."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        settings = Settings(data=Path(str(parsed.database)).parent, redis_url=valkey.url)
    else:
        settings = Settings(database_url=url, redis_url=valkey.url)
    served = Service(READER, settings, Schema(PARTS[READER], newest(READER)))
    one = Replica(served.database, served.hearing)
    served.hear(Topic("intake", settings.partitions, one.react, VisitRecorded))
    await served.start()
    try:
        create = text("CREATE TABLE IF NOT EXISTS notes (event TEXT NOT NULL)")
        await served.database.write(lambda connection: connection.execute(create))
        yield served, one
    finally:
        await served.stop()


async def _is_ready(served: Service) -> bool:
    return bool((await served.health())["ready"])


@pytest.fixture
def log_url(database_url: str) -> str:
    """Where intake's log is: on SQLite a file of its own."""
    return database_url.replace("store.db", "intake.db")


async def test_a_service_that_starts_before_the_bus_joins_it_when_it_comes(
    database_url: str, log_url: str, valkey: Valkey
) -> None:
    valkey.stop()
    async with opened_log(log_url) as log, service(database_url, valkey) as (served, one):
        await append(log, "rose")
        tasks = len(asyncio.all_tasks())
        await asyncio.sleep(1.2)
        # Waiting costs a try now and then, and leaves nothing behind.
        assert len(asyncio.all_tasks()) <= tasks + 2
        assert not await _is_ready(served)
        valkey.start()
        async with relaying(log, valkey):
            await until(lambda: _is_ready(served))
            await until_all_is_noted(log, one)


async def test_reading_goes_on_by_itself_after_the_bus_was_killed(tmp_path: Path, valkey: Valkey) -> None:
    url = f"sqlite:///{tmp_path}"
    async with (
        opened_log(f"{url}/intake.db") as log,
        relaying(log, valkey),
        service(f"{url}/stats.db", valkey) as (served, one),
    ):
        await until(lambda: _is_ready(served))
        await append(log, "before")
        await until_all_is_noted(log, one)
        valkey.kill()
        await append(log, "meanwhile")
        valkey.restart(empty=True)
        await until_all_is_noted(log, one)
        await until(lambda: _is_ready(served))


async def test_replicas_take_nothing_that_they_cannot_read(postgres_url: str, valkey: Valkey) -> None:
    async with (
        opened_log(postgres_url) as log,
        relaying(log, valkey),
        replica(postgres_url, valkey) as one,
    ):
        valkey.kill()
        await until(end_lock_sessions(postgres_url, one))
        await until(one.hearing.is_steady)
        assert one.shares() == []
        valkey.restart()
        await append(log, "rose")
        await until(lambda: are_shared(one))
        await until_all_is_noted(log, one)


async def test_health_says_who_owns_what_and_judges_only_the_owner(postgres_url: str, valkey: Valkey) -> None:
    async with (
        opened_log(postgres_url) as log,
        relaying(log, valkey),
        service(postgres_url, valkey) as (first, one),
        service(postgres_url, valkey) as (second, other),
    ):
        await until(lambda: are_shared(one, other))
        await append(log, "rose")
        await until_all_is_noted(log, one)
        for served, replica_ in ((first, one), (second, other)):
            await until(partial(_is_ready, served))
            subscribers = (await served.health())["subscribers"]
            owned = [each["partition"] for each in subscribers if each["owned"]]
            assert owned == replica_.shares()


async def test_a_read_model_is_not_rebuilt_by_a_replica_that_reads_only_a_part(
    postgres_url: str, valkey: Valkey
) -> None:
    async with replica(postgres_url, valkey) as other, service(postgres_url, valkey) as (served, one):
        await until(lambda: are_shared(one, other))
        with pytest.raises(Problem) as refused:
            await rebuild_heard(served, [], lambda _suffix: [])
        assert refused.value.slug == "other-replicas"


async def test_a_case_that_only_the_rebuilding_reader_parked_is_held_back_from_then_on(
    tmp_path: Path, valkey: Valkey
) -> None:
    url = f"sqlite:///{tmp_path}"
    async with (
        opened_log(f"{url}/intake.db") as log,
        relaying(log, valkey),
        service(f"{url}/stats.db", valkey) as (served, one),
    ):
        await until(lambda: _is_ready(served))
        await log.append(to_append("case-rose"))
        await until_all_is_noted(log, one)

        def refuse(_batch: Sequence[Envelope]) -> _Notes:
            raise ValueError("not today")

        await rebuild_heard(served, [], lambda _suffix: [Topic("intake", 1, refuse, VisitRecorded)])
        await log.append(to_append("case-rose"))
        subscription = served.hearing.subscriptions[0]
        await until(lambda: subscription.position == 2)
        assert [letter.position for letter in await served.database.read(subscription.place.parked)] == [1, 2]


async def test_what_was_replayed_elsewhere_no_longer_holds_its_case_back(tmp_path: Path, valkey: Valkey) -> None:
    """The replica that reads a partition learns what another has replayed or given up."""
    url = f"sqlite:///{tmp_path}"
    async with (
        opened_log(f"{url}/intake.db") as log,
        relaying(log, valkey),
        replica(f"{url}/stats.db", valkey, 1) as one,
    ):
        subscription = one.hearing.subscriptions[0]
        refused = True

        def react(batch: Sequence[Envelope]) -> _Notes:
            if refused:
                raise ValueError("not today")
            return one.react(batch)

        subscription._react = react
        await log.append(to_append("case-rose", events=2))
        await until(lambda: subscription.position == 2)
        refused = False
        for position in (1, 2):
            await one.database.write(partial(subscription.place.unpark, position=position))
        await log.append(to_append("case-rose"))
        await until(lambda: subscription.position == 3)
        assert len(await notes(one)) == 1
