"""The relay: a topic is a true copy of its log, whatever happens to the bus."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from shared.bus import queue_key, topic_key
from shared.log import NEW, Entry, Log
from shared.relay import TopicCopy
from shared.relay import copy as copy_module
from shared.relay import readers as readers_module
from shared.relay import relay as relay_module
from tests.logs import fill, opened_log, sqlite_file, to_append
from tests.servers import Valkey
from tests.topics import Client, connected, recorded, relaying, says, standing, until, until_complete

TOPIC = "topic:intake:0"
PARTNERS = ("p01", "p02", "p03")


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The net under the relay every tenth of a second instead of every second."""
    monkeypatch.setattr(relay_module, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(relay_module, "RETRY_AFTER_S", 0.02)


def put_back(valkey: Valkey, older: Path) -> None:
    """Start the server on what it held when `older` was copied."""
    valkey.kill()
    shutil.rmtree(valkey._data)
    shutil.copytree(older, valkey._data)
    valkey.start()


async def test_a_topic_is_the_log_in_order_under_its_positions(database_url: str, valkey: Valkey) -> None:
    async with opened_log(database_url) as log, relaying(log, valkey) as redis:
        await fill(log, 1_200)
        await asyncio.gather(*(log.append(to_append(f"case-{number}", NEW)) for number in range(50)))
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log)


async def test_each_partition_has_a_topic_of_its_own(postgres_url: str, valkey: Valkey) -> None:
    async with opened_log(postgres_url) as log, relaying(log, valkey) as redis:
        for partition in range(log.partitions):
            await fill(log, partition, partition=partition) if partition else None
        for partition in range(log.partitions):
            await until_complete(redis, log, topic_key("intake", partition), partition)
            assert await standing(redis, topic_key("intake", partition)) == await recorded(log, partition)


async def test_what_was_appended_before_the_relay_began_is_relayed(database_url: str, valkey: Valkey) -> None:
    async with opened_log(database_url) as log:
        await fill(log, 700)
        async with relaying(log, valkey) as redis:
            await until_complete(redis, log)
            assert await standing(redis, TOPIC) == await recorded(log)


async def test_what_another_process_appends_is_found_by_looking(postgres_url: str, valkey: Valkey) -> None:
    async with opened_log(postgres_url) as ours, opened_log(postgres_url) as theirs, relaying(ours, valkey) as redis:
        await fill(theirs, 5)
        await until_complete(redis, ours)
        await fill(ours, 5)
        await fill(theirs, 5)
        await until_complete(redis, ours)
        assert await standing(redis, TOPIC) == await recorded(ours)


async def test_a_relay_that_starts_before_its_server_waits_for_it(tmp_path: Path, valkey: Valkey) -> None:
    valkey.stop()
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 5)
        valkey.start()
        await until(lambda: _answers(redis.ping))
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log)


async def test_eight_relays_at_once_make_one_topic(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, AsyncExitStack() as relays:
        for _ in range(8):
            redis = await relays.enter_async_context(relaying(log, valkey))
        for _ in range(20):
            await asyncio.gather(*(fill(log, 20) for _ in range(1)))
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log)


async def test_eight_relays_with_stale_bookmarks_add_each_entry_once(
    tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_module, "ENTRIES_MAX", 7)
    async with opened_log(sqlite_file(tmp_path)) as log, AsyncExitStack() as clients:
        await fill(log, 10)
        copies = []
        for number in range(8):
            copy = _copy(log, await clients.enter_async_context(connected(valkey)))
            copies.append(copy)
            # Each believes in another end of the topic.
            for _ in range(number):
                await copy.advance()
        await fill(log, 300)

        async def complete(copy: TopicCopy) -> None:
            while await copy.advance():
                pass

        await asyncio.gather(*(complete(copy) for copy in copies))
        redis = await clients.enter_async_context(connected(valkey))
        assert await standing(redis, TOPIC) == await recorded(log)
        assert {copy.ends_at for copy in copies} == {310}


async def test_a_relay_that_was_overtaken_leaves_no_answer_behind_on_its_connection(
    tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_module, "ENTRIES_MAX", 7)
    async with opened_log(sqlite_file(tmp_path)) as log, connected(valkey) as ours, connected(valkey) as theirs:
        await fill(log, 100)
        slow, quick = _copy(log, ours), _copy(log, theirs)
        await slow.look()
        while await quick.advance():
            pass
        # Several calls are on their way when the first of them is refused.
        assert await slow.advance()
        assert await ours.ping()
        assert not await slow.advance()
        assert slow.ends_at == 100
        assert await standing(ours, TOPIC) == await recorded(log)


async def test_a_relay_cut_off_while_it_looks_where_a_topic_ends_leaves_no_hole(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, connected(valkey) as ours, connected(valkey) as theirs:
        await fill(log, 3)
        cut = _Cut(log, ours)
        await cut.copy.advance()
        await fill(log, 6)
        await cut.copy.advance()
        # The bus lost everything, another relay has filled it half, and our line breaks while we are told of it.
        valkey.flush()
        await _copy_of(log, theirs, upto=3).advance()
        await fill(log, 5)
        cut.reads_left = 1
        with pytest.raises(ConnectionError):
            await cut.copy.advance()
        while await cut.copy.advance():
            pass
        assert await standing(ours, TOPIC) == await recorded(log)


class _Cut:
    """A copy whose log cannot be read any more after so many reads, once."""

    def __init__(self, log: Log, redis: Client) -> None:
        self.reads_left: int | None = None

        async def read(after: int, limit: int) -> list[Entry]:
            if self.reads_left == 0:
                self.reads_left = None
                raise ConnectionError("cut")
            if self.reads_left:
                self.reads_left -= 1
            return await log.read_after(0, after, limit)

        self.copy = TopicCopy(redis, TOPIC, read, _from_the_beginning, "relay.before-publish")


def _copy_of(log: Log, redis: Client, upto: int) -> TopicCopy:
    async def read(after: int, limit: int) -> list[Entry]:
        return [entry for entry in await log.read_after(0, after, limit) if entry.position <= upto]

    return TopicCopy(redis, TOPIC, read, _from_the_beginning, "relay.before-publish")


async def _from_the_beginning() -> int:
    return 0


def _copy(log: Log, redis: Client) -> TopicCopy:
    read = partial(log.read_after, 0)
    return TopicCopy(redis, TOPIC, read, _from_the_beginning, "relay.before-publish")


async def _answers(ask: Callable[[], Awaitable[object]]) -> bool:
    try:
        return bool(await ask())
    except (RedisError, OSError):
        return False


def flush(valkey: Valkey) -> None:
    valkey.flush()


def delete_the_topic(valkey: Valkey) -> None:
    with valkey.client() as client:
        client.delete(TOPIC, queue_key("p01"))


def kill_and_restart(valkey: Valkey) -> None:
    valkey.kill()
    valkey.start()


def kill_and_start_empty(valkey: Valkey) -> None:
    valkey.kill()
    valkey.restart(empty=True)


def swap(valkey: Valkey) -> None:
    valkey.restart(empty=True)


def shorten(valkey: Valkey) -> None:
    """A replica that had fallen behind takes over: the same beginnings, without the ends."""
    with valkey.client() as client, client.pipeline() as together:
        for key in (TOPIC, queue_key("p01")):
            held = client.xrange(key)
            together.delete(key)
            for entry_id, fields in held[: len(held) // 2]:
                together.xadd(key, fields, entry_id)
        together.execute()


@pytest.mark.parametrize("fault", [flush, delete_the_topic, kill_and_restart, kill_and_start_empty, swap, shorten])
async def test_a_bus_that_loses_what_it_held_is_filled_again_under_load(
    tmp_path: Path, valkey: Valkey, fault: Callable[[Valkey], None]
) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey, queues=True) as redis:
        await fill(log, 600, tags=PARTNERS)
        await until_complete(redis, log)
        load = asyncio.create_task(_load(log))
        await asyncio.to_thread(fault, valkey)
        await load
        await until(lambda: _answers(redis.ping))
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log)
        for partner in PARTNERS:
            await _until_queue_is_exact(redis, log, partner)


@pytest.mark.parametrize("fault", [flush, delete_the_topic, kill_and_start_empty, shorten])
async def test_a_bus_that_loses_what_it_held_is_filled_again_although_nothing_happens(
    tmp_path: Path, valkey: Valkey, fault: Callable[[Valkey], None]
) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey, queues=True) as redis:
        await fill(log, 60, tags=PARTNERS)
        await until_complete(redis, log)
        for partner in PARTNERS:
            await _until_queue_is_exact(redis, log, partner)
        await asyncio.to_thread(fault, valkey)
        await until(lambda: _answers(redis.ping))
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log)
        for partner in PARTNERS:
            await _until_queue_is_exact(redis, log, partner)


async def _load(log: Log) -> None:
    for _ in range(20):
        await fill(log, 10, tags=PARTNERS)
        await asyncio.sleep(0.005)


async def _until_queue_is_exact(redis: Client, log: Log, partner: str) -> None:
    slice_ = [(entry.position, entry.body) for entry in await log.read_tagged(partner)]

    async def exact() -> bool:
        return await standing(redis, queue_key(partner)) == slice_

    await until(exact)


async def test_a_server_put_back_to_an_older_state_is_brought_forward(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 50)
        await until_complete(redis, log)
        valkey.stop()
        shutil.copytree(valkey._data, tmp_path / "older")
        valkey.start()
        await fill(log, 50)
        await until(lambda: _answers(redis.ping))
        await until_complete(redis, log)
        await asyncio.to_thread(put_back, valkey, tmp_path / "older")
        await fill(log, 50)
        await until(lambda: _answers(redis.ping))
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log)


async def _limit_memory(valkey: Valkey, spare_bytes: int) -> None:
    with valkey.client() as client:
        limit = client.info("memory")["used_memory"] + spare_bytes if spare_bytes else 0
        client.config_set("maxmemory", limit)


async def _until_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def refused() -> bool:
        return "BusRefused" in caplog.text

    await until(refused)


async def test_a_server_without_memory_holds_no_hole_and_is_filled_when_it_has_some(
    tmp_path: Path, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 100)
        await until_complete(redis, log)
        await _limit_memory(valkey, 300_000)
        await fill(log, 3_000)
        await _until_refused(caplog)
        held = await standing(redis, TOPIC)
        assert 100 <= len(held) < 3_100
        assert held == (await recorded(log))[: len(held)]
        await _limit_memory(valkey, 0)
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log)


async def test_a_full_server_is_emptied_of_what_its_readers_have_finished(
    tmp_path: Path, valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 1_000)
        await until_complete(redis, log)
        await says(redis, "stats", 0)
        await _limit_memory(valkey, -1)
        await fill(log, 500)
        await _until_refused(caplog)
        # The reader goes on and says so, and by that alone the server has room again: nobody raises its memory.
        await says(redis, "stats", 1_000)
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log, after=1_000)


async def test_a_topic_is_trimmed_below_the_lowest_checkpoint_and_no_further(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 100)
        await says(redis, "referral", 40)
        await says(redis, "stats", 60)
        await _until_begins(redis, 41)
        assert await standing(redis, TOPIC) == await recorded(log, after=40)
        await says(redis, "referral", 100)
        await _until_begins(redis, 61)
        await says(redis, "stats", 100)
        await until(lambda: _is_empty(redis))
        await fill(log, 3)
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log, after=100)


async def test_a_topic_goes_no_further_ahead_of_its_slowest_reader_than_the_window_is_wide(
    tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "WINDOW_MAX", 500)
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 100)
        await says(redis, "stats", 90)
        await _until_begins(redis, 91)
        await fill(log, 3_000)
        await until(lambda: _is_long(redis, 500))
        await asyncio.sleep(0.3)
        held = await standing(redis, TOPIC)
        assert 500 <= len(held) < 500 + copy_module.ENTRIES_MAX
        assert held == (await recorded(log, after=90))[: len(held)]
        for position in (500, 1_000, 1_500, 2_000, 2_500, 3_000):
            await says(redis, "stats", position)
            await _until_begins(redis, position + 1)
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log, after=3_000)


async def test_a_bus_that_refuses_is_told_of_once(
    tmp_path: Path, valkey: Valkey, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "WELL_AFTER_S", 0.0)
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 100)
        await until_complete(redis, log)
        await _limit_memory(valkey, -1)
        # More than what connections that are closed meanwhile make room for.
        await fill(log, 1_000)
        await _until_refused(caplog)
        await asyncio.sleep(0.2)
        await _limit_memory(valkey, 0)
        await until_complete(redis, log)
        await until(lambda: _told(caplog, "relay goes on"))
        assert caplog.text.count("relay waits") == 1


async def _told(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return words in caplog.text


async def test_a_topic_that_nobody_reads_is_not_trimmed(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 100)
        await until_complete(redis, log)
        await asyncio.sleep(0.15)
        assert len(await standing(redis, TOPIC)) == 100


async def test_a_reader_long_silent_holds_the_topic_back_no_longer(
    tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 100)
        await says(redis, "stats", 90)
        await readers_module.report(redis, "intake", 0, "gone", 10, 1_000_000_000)
        await _until_begins(redis, 91)


async def test_a_reader_before_the_window_has_the_topic_built_again_and_others_do_not_notice(
    tmp_path: Path, valkey: Valkey
) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 1_000)
        await says(redis, "stats", 900)
        await _until_begins(redis, 901)
        heard: list[int] = []
        follower = asyncio.create_task(_follow(valkey, 1_000, 1_100, heard))
        await says(redis, "stats_rebuilding", 0)
        await fill(log, 50)
        await _until_begins(redis, 1)
        await fill(log, 50)
        await follower
        await until_complete(redis, log)
        assert heard == list(range(1_001, 1_101))
        assert await standing(redis, TOPIC) == await recorded(log)


async def _follow(valkey: Valkey, position: int, last: int, heard: list[int]) -> None:
    """An ordinary reader, further on."""
    async with connected(valkey) as redis:
        while position < last:
            topics: Any = await redis.xread({TOPIC: f"{position}-0"}, block=100)
            for _key, found in topics:
                for entry_id, _fields in found:
                    position = int(entry_id.split(b"-")[0])
                    heard.append(position)


async def test_a_new_reader_of_a_wiped_topic_is_given_all_of_it_although_nothing_happens(
    tmp_path: Path, valkey: Valkey
) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 100)
        await says(redis, "stats", 100)
        await until(lambda: _is_empty(redis))
        valkey.flush()
        await says(redis, "stats", 100)
        await asyncio.sleep(0.15)
        await says(redis, "newcomer", 0)
        await _until_begins(redis, 1)
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log)


async def test_a_wiped_topic_begins_where_its_readers_last_stood(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey) as redis:
        await fill(log, 100)
        await says(redis, "stats", 90)
        await _until_begins(redis, 91)
        valkey.flush()
        await fill(log, 1)
        await until_complete(redis, log)
        assert await standing(redis, TOPIC) == await recorded(log, after=90)


async def test_a_topic_and_a_queue_that_end_beyond_the_log_start_again(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_log(sqlite_file(tmp_path, "lost")) as lost, relaying(lost, valkey, queues=True) as redis:
        await fill(lost, 100, tags=("p01", "p02"))
        await until_complete(redis, lost)
        await _until_queue_is_exact(redis, lost, "p01")
    # A backup is restored: the log is shorter than what the bus tells, and goes on otherwise.
    async with opened_log(sqlite_file(tmp_path, "restored")) as log, relaying(log, valkey, queues=True) as redis:
        await fill(log, 20, tags=("p02", "p01"))
        await says(redis, "stats", 5)
        await until_complete(redis, log)
        await _until_begins(redis, 6)
        assert await standing(redis, TOPIC) == await recorded(log, after=5)
        await fill(log, 2, tags=("p02", "p01"))
        for partner in ("p01", "p02"):
            await _until_queue_is_exact(redis, log, partner)


async def test_a_log_that_was_brought_back_and_has_grown_past_its_topic_replaces_it(
    tmp_path: Path, valkey: Valkey
) -> None:
    async with opened_log(sqlite_file(tmp_path, "lost")) as lost, relaying(lost, valkey, queues=True) as redis:
        await fill(lost, 30, tags=("p01", "p02"))
        await until_complete(redis, lost)
        await _until_queue_is_exact(redis, lost, "p02")
    async with opened_log(sqlite_file(tmp_path, "restored")) as log:
        # Nobody relayed meanwhile: by its length alone the topic could be ours.
        await fill(log, 40, tags=("p02", "p01"))
        async with relaying(log, valkey, queues=True) as redis:
            await until_complete(redis, log)
            assert await standing(redis, TOPIC) == await recorded(log)
            for partner in ("p01", "p02"):
                await _until_queue_is_exact(redis, log, partner)


async def test_a_relay_that_starts_again_leaves_a_topic_of_its_own_log_as_it_is(tmp_path: Path, valkey: Valkey) -> None:
    async with opened_log(sqlite_file(tmp_path)) as log:
        async with relaying(log, valkey) as redis:
            await fill(log, 30)
            await until_complete(redis, log)
            await redis.xtrim(TOPIC, minid="11-0", approximate=False)
        await fill(log, 5)
        async with relaying(log, valkey) as redis:
            await until_complete(redis, log)
            assert await standing(redis, TOPIC) == await recorded(log, after=10)


async def test_a_queue_keeps_its_newest_entries_only(
    tmp_path: Path, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "QUEUE_KEPT", 5)
    async with opened_log(sqlite_file(tmp_path)) as log, relaying(log, valkey, queues=True) as redis:
        await fill(log, 20, tags=("p01", "p02"))
        await _until_queue_is(redis, "p02", [12, 14, 16, 18, 20])
        valkey.flush()
        await _until_queue_is(redis, "p01", [11, 13, 15, 17, 19])
        await _until_queue_is(redis, "p02", [12, 14, 16, 18, 20])


async def test_what_another_process_left_unsaid_comes_to_its_queue_although_nothing_happens(
    tmp_path: Path, valkey: Valkey
) -> None:
    file = sqlite_file(tmp_path)
    async with opened_log(file) as ours, opened_log(file) as theirs, relaying(ours, valkey, queues=True) as redis:
        await fill(ours, 4, tags=("p01", "p02"))
        await _until_queue_is(redis, "p02", [2, 4])
        # It dies before it relays what it wrote.
        await fill(theirs, 3, tags=("p02", "p01"))
        await _until_queue_is(redis, "p02", [2, 4, 5, 7])
        await _until_queue_is(redis, "p01", [1, 3, 6])


async def _until_queue_is(redis: Client, partner: str, positions: list[int]) -> None:
    async def it_is() -> bool:
        return [place for place, _body in await standing(redis, queue_key(partner))] == positions

    await until(it_is)


async def _until_begins(redis: Client, position: int) -> None:
    async def begins() -> bool:
        held = await standing(redis, TOPIC)
        return bool(held) and held[0][0] == position

    await until(begins)


async def _is_empty(redis: Client) -> bool:
    return await standing(redis, TOPIC) == []


async def _is_long(redis: Client, length: int) -> bool:
    return len(await standing(redis, TOPIC)) >= length
