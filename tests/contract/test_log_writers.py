"""Several writers of one log on PostgreSQL: two transactions held open by hand, two processes' worth of appenders."""

import asyncio
import threading

import pytest
from sqlalchemy import Connection, text

from shared.log import NEW, AlreadyAnswered, Appended, Log, VersionConflict
from shared.log.writing import write
from tests.logs import answer, by_hand, entries, envelopes, fill, founded, opened_log, to_append

WAITING_FOR_A_LOCK = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def append_by_hand(connection: Connection, stream: str, partition: int = 0) -> Appended:
    [outcome] = write(connection, "intake", [to_append(stream, NEW, partition=partition)]).outcomes
    assert isinstance(outcome, Appended)
    return outcome


class SecondWriter(threading.Thread):
    """Appends in a transaction of its own, on a thread because it is made to wait."""

    def __init__(self, url: str, stream: str) -> None:
        super().__init__()
        self._url, self._stream = url, stream
        self.appended: Appended | None = None

    def run(self) -> None:
        with by_hand(self._url).begin() as connection:
            self.appended = append_by_hand(connection, self._stream)


def wait_until_somebody_waits(url: str) -> None:
    with by_hand(url).connect() as connection:
        while connection.execute(text(WAITING_FOR_A_LOCK)).scalar_one() == 0:
            connection.rollback()


def positions_read(url: str) -> list[int]:
    with by_hand(url).connect() as connection:
        rows = connection.execute(text("SELECT position FROM events WHERE partition = 0 ORDER BY position"))
        return [position for (position,) in rows]


def test_a_second_appender_waits_for_the_first_and_positions_are_in_commit_order(postgres_url: str) -> None:
    url = founded(postgres_url)
    second = SecondWriter(url, "case-second")
    with by_hand(url).connect() as first:
        transaction = first.begin()
        assert append_by_hand(first, "case-first").position == 1
        second.start()
        wait_until_somebody_waits(url)
        # Nobody may ever see 2 while 1 can still appear behind his back.
        assert positions_read(url) == []
        transaction.commit()
    second.join()
    assert second.appended is not None
    assert second.appended.position == 2
    assert positions_read(url) == [1, 2]


def test_an_append_rolled_back_leaves_no_hole(postgres_url: str) -> None:
    url = founded(postgres_url)
    second = SecondWriter(url, "case-second")
    with by_hand(url).connect() as first:
        transaction = first.begin()
        assert append_by_hand(first, "case-first").position == 1
        second.start()
        wait_until_somebody_waits(url)
        transaction.rollback()
    second.join()
    assert second.appended is not None
    assert second.appended.position == 1
    assert positions_read(url) == [1]


def test_appenders_of_different_partitions_do_not_wait_for_each_other(postgres_url: str) -> None:
    url = founded(postgres_url)
    with by_hand(url).begin() as first, by_hand(url).begin() as second:
        assert append_by_hand(first, "case-first", partition=0).position == 1
        assert append_by_hand(second, "case-second", partition=1).position == 1


async def test_two_processes_append_to_one_log_without_a_hole_or_a_loss(postgres_url: str) -> None:
    async with opened_log(postgres_url) as one, opened_log(postgres_url) as other:

        async def append_some(log: Log, name: str) -> list[int]:
            asked = (log.append(to_append(f"case-{name}-{number}", NEW)) for number in range(100))
            return [appended.position for appended in await asyncio.gather(*asked)]

        async def append_one_by_one(log: Log, name: str) -> list[int]:
            return [(await log.append(to_append(f"case-{name}-{number}", NEW))).position for number in range(50)]

        told = await asyncio.gather(
            append_some(one, "a"), append_some(other, "b"), append_one_by_one(one, "c"), append_one_by_one(other, "d")
        )
        assert sorted(position for some in told for position in some) == list(range(1, 301))
        assert [entry.position for entry in await entries(one)] == list(range(1, 301))


async def test_two_processes_that_write_one_stream_are_told_apart_by_its_version(postgres_url: str) -> None:
    async with opened_log(postgres_url) as one, opened_log(postgres_url) as other:
        for number in range(30):
            outcomes = await asyncio.gather(
                one.append(to_append(f"case-{number}", NEW)),
                other.append(to_append(f"case-{number}", NEW)),
                return_exceptions=True,
            )
            assert {type(outcome) for outcome in outcomes} == {Appended, VersionConflict}
        assert [envelope.version for envelope in await envelopes(one)] == [1] * 30


async def test_twins_of_a_request_in_two_processes_and_two_partitions_make_one_event(postgres_url: str) -> None:
    async with opened_log(postgres_url) as one, opened_log(postgres_url) as other:
        for number in range(30):
            # Different partitions share no lock: only the key itself keeps the twins apart.
            outcomes = await asyncio.gather(
                one.append(to_append(f"case-a-{number}", NEW, partition=0, answer=answer(f"key-{number}"))),
                other.append(to_append(f"case-b-{number}", NEW, partition=1, answer=answer(f"key-{number}"))),
                return_exceptions=True,
            )
            assert {type(outcome) for outcome in outcomes} == {Appended, AlreadyAnswered}
        heads = await one.heads()
        assert heads[0] + heads[1] == 30


@pytest.mark.parametrize("turn", [1, -1])
async def test_keys_used_crosswise_by_two_processes_block_nobody(postgres_url: str, turn: int) -> None:
    async with opened_log(postgres_url) as one, opened_log(postgres_url) as other:
        for number in range(10):
            keys = [f"key-{number}-{place}" for place in range(20)]
            mine = [to_append(f"a-{key}", NEW, partition=0, answer=answer(key)) for key in keys]
            theirs = [to_append(f"b-{key}", NEW, partition=1, answer=answer(key)) for key in keys[::turn]]
            outcomes = await asyncio.gather(one.append_each(mine), other.append_each(theirs))
            assert sum(isinstance(outcome, Appended) for some in outcomes for outcome in some) == 20
        assert (await fill(one, 1)).position == (await one.heads())[0]
