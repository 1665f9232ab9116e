"""What the log promises, on each store."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.log import ANY, NEW, AlreadyAnswered, Appended, KeyReused, VersionConflict
from shared.log import log as log_module
from shared.log.writing import chain
from tests.logs import answer, by_hand, entries, envelopes, fill, opened_log, to_append, visit


async def test_positions_are_dense_from_one_and_in_the_order_of_commits(database_url: str) -> None:
    async with opened_log(database_url) as log:
        appended = [await log.append(to_append(f"case-{number}", NEW, events=2)) for number in range(5)]
        assert [one.position for one in appended] == [2, 4, 6, 8, 10]
        assert [entry.position for entry in await entries(log)] == list(range(1, 11))
        assert (await log.heads())[0] == 10


async def test_a_first_append_finds_no_stream_and_a_second_finds_its_version(database_url: str) -> None:
    async with opened_log(database_url) as log:
        assert (await log.append(to_append("case-rose", NEW, events=3))).version == 3
        assert (await log.append(to_append("case-rose", 3))).version == 4
        assert (await log.append(to_append("case-rose", ANY))).version == 5
        assert (await log.append(to_append("case-new", ANY))).version == 1
        assert [envelope.version for envelope in await log.read("case-rose")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("expected", "actual"), [(NEW, 2), (1, 2), (3, 2)])
async def test_a_writer_who_expects_another_version_is_told_the_actual_one(
    database_url: str, expected: int, actual: int
) -> None:
    async with opened_log(database_url) as log:
        await log.append(to_append("case-rose", NEW, events=2))
        with pytest.raises(VersionConflict) as refused:
            await log.append(to_append("case-rose", expected))
        assert (refused.value.expected, refused.value.actual) == (expected, actual)
        assert len(await entries(log)) == 2


async def test_a_version_conflict_fails_its_own_caller_only(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await log.append(to_append("case-0", NEW))
        # Handed in at one moment, so they share one commit; every third of them is wrong.
        asked = [
            to_append("case-0", NEW) if number % 3 == 0 else to_append(f"case-{number}", NEW) for number in range(30)
        ]
        outcomes = await asyncio.gather(*(log.append(one) for one in asked), return_exceptions=True)
        assert [isinstance(outcome, VersionConflict) for outcome in outcomes] == [n % 3 == 0 for n in range(30)]
        assert [entry.position for entry in await entries(log)] == list(range(1, 22))


async def test_of_many_writers_with_one_expected_version_exactly_one_wins(database_url: str) -> None:
    async with opened_log(database_url) as log:
        asked = [log.append(to_append("case-rose", NEW)) for _ in range(50)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 49


async def test_the_same_key_and_request_get_the_first_answer_again(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await log.append(to_append("case-rose", NEW, answer=answer("key")))
        with pytest.raises(AlreadyAnswered) as answered:
            await log.append(to_append("case-iris", NEW, answer=answer("key", b"second")))
        assert answered.value.body == b"first@1"
        with pytest.raises(AlreadyAnswered):
            await log.answered_before(answer("key"))
        assert len(await entries(log)) == 1


async def test_the_same_key_with_another_request_is_refused(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await log.append(to_append("case-rose", NEW, answer=answer("key")))
        with pytest.raises(KeyReused):
            await log.append(to_append("case-iris", NEW, answer=answer("key", request=b"other")))
        with pytest.raises(KeyReused):
            await log.answered_before(answer("key", request=b"other"))
        await log.answered_before(answer("another key"))
        assert len(await entries(log)) == 1


async def test_fifty_twins_of_one_request_make_one_event_and_get_one_answer(database_url: str) -> None:
    async with opened_log(database_url) as log:
        twins = [log.append(to_append(f"case-{number}", NEW, answer=answer("key"))) for number in range(50)]
        outcomes = await asyncio.gather(*twins, return_exceptions=True)
        assert sum(isinstance(outcome, Appended) for outcome in outcomes) == 1
        assert [outcome.body for outcome in outcomes if isinstance(outcome, AlreadyAnswered)] == [b"first@1"] * 49
        assert len(await entries(log)) == 1


async def test_a_key_is_not_spent_by_an_append_that_was_refused(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await log.append(to_append("case-rose", NEW))
        with pytest.raises(VersionConflict):
            await log.append(to_append("case-rose", NEW, answer=answer("key")))
        assert (await log.append(to_append("case-rose", 1, answer=answer("key")))).version == 2


async def test_a_commit_that_fails_leaves_nothing_of_anybody(database_url: str) -> None:
    def refuse(_connection: object, _recorded: object) -> None:
        raise ValueError("the read model cannot follow")

    async with opened_log(database_url, refuse) as log:
        asked = [log.append(to_append(f"case-{n}", NEW, events=3, answer=answer(f"key-{n}"))) for n in range(3)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [str(outcome) for outcome in outcomes] == ["the read model cannot follow"] * 3
        assert await entries(log) == []
        assert set((await log.heads()).values()) == {0}
        for number in range(3):
            await log.answered_before(answer(f"key-{number}"))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET entry = '{}'",
        "UPDATE events SET position = position + 10",
        "DELETE FROM events WHERE position = 1",
        "DELETE FROM events",
    ],
)
async def test_the_database_itself_refuses_to_change_what_was_recorded(database_url: str, change: str) -> None:
    async with opened_log(database_url) as log:
        await fill(log, 3)
        before = await entries(log)
        with (
            pytest.raises(DBAPIError, match="events are append-only"),
            by_hand(database_url).begin() as connection,
        ):
            connection.execute(text(change))
        assert await entries(log) == before


async def test_postgresql_refuses_to_empty_the_log(postgres_url: str) -> None:
    async with opened_log(postgres_url) as log:
        await fill(log, 3)
        with (
            pytest.raises(DBAPIError, match="events are append-only"),
            by_hand(postgres_url).begin() as connection,
        ):
            connection.execute(text("TRUNCATE events"))
        assert len(await entries(log)) == 3


async def test_each_event_carries_the_hash_of_the_one_before_it(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await fill(log, 2)
        await log.append(to_append("case-rose", NEW, events=2))
        with by_hand(database_url).connect() as connection:
            rows = connection.execute(text("SELECT entry, hash FROM events WHERE partition = 0 ORDER BY position"))
            digest = bytes(32)
            for entry, stored in rows:
                digest = chain(digest, entry.encode())
                assert bytes(stored) == digest
            head = connection.execute(text("SELECT hash FROM partitions WHERE partition = 0")).scalar_one()
            assert bytes(head) == digest


async def test_an_envelope_says_where_when_and_why_it_was_recorded(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await log.append(to_append("case-rose", NEW, events=2))
        first, second = await log.read("case-rose")
        assert (first.id, second.id) == ("intake:0:1", "intake:0:2")
        assert (first.source, first.type, first.stream) == ("intake", "intake.visit-recorded.v1", "case-rose")
        assert (second.position, second.version) == (2, 2)
        assert first.local_day == "2008-03-11"
        assert first.event == visit("case-rose-0")


async def test_a_stream_is_read_from_any_of_its_versions(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await log.append(to_append("case-rose", NEW, events=4))
        assert [envelope.version for envelope in await log.read("case-rose", after=2)] == [3, 4]
        assert await log.read("case-rose", after=4) == []
        assert await log.read("case-unknown") == []


async def test_what_is_kept_at_hand_is_what_the_database_holds(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "TAIL_MAX", 20)
    async with opened_log(database_url) as log:
        await fill(log, 50, tags=("p01", "p02"))
        stored = await entries(log)
        for after in (0, 1, 28, 29, 30, 31, 45, 49, 50, 99):
            for limit in (1, 7, 1_000):
                read = await log.read_after(0, after, limit)
                # Where the tail begins in the middle it may give less than it could, but never nothing, nor a hole.
                assert read == stored[after : after + len(read)]
                assert bool(read) == (after < 50)
                assert len(read) <= limit


async def test_what_another_process_wrote_is_read_although_it_is_not_at_hand(postgres_url: str) -> None:
    async with opened_log(postgres_url) as ours, opened_log(postgres_url) as theirs:
        await fill(ours, 3)
        await fill(theirs, 3)
        await fill(ours, 3)
        for log in (ours, theirs):
            found: list[int] = []
            while some := await log.read_after(0, len(found), 2):
                found += [entry.position for entry in some]
            assert found == list(range(1, 10))


async def test_a_tag_has_its_own_slice_of_the_log(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await fill(log, 9, tags=("p01", "p02", "p03"))
        await log.append(to_append("case-untagged", NEW))
        assert [entry.position for entry in await log.read_tagged("p02")] == [2, 5, 8]
        assert [entry.position for entry in await log.read_tagged("p02", after=2, limit=1)] == [5]
        assert {entry.tag for entry in await log.read_tagged("p02")} == {"p02"}
        assert await log.read_tagged("p99") == []
        assert await log.tags() == ["p01", "p02", "p03"]


async def test_a_log_without_tags_names_none(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await fill(log, 2)
        assert await log.tags() == []


async def test_the_newest_of_a_tag_begin_after_a_position(database_url: str) -> None:
    async with opened_log(database_url) as log:
        await fill(log, 9, tags=("p01", "p02", "p03"))
        assert await log.nth_newest("p02", 0) == 8
        assert await log.nth_newest("p02", 2) == 2
        assert await log.nth_newest("p02", 3) == 0
        assert await log.nth_newest("p99", 1) == 0


async def test_many_are_appended_each_on_its_own_terms(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "GATHERED_MAX", 4)
    async with opened_log(database_url) as log:
        asked = [to_append(f"case-{number}", NEW, answer=answer(f"key-{number}")) for number in range(10)]
        asked[3] = to_append("case-0", NEW)
        asked[7] = to_append("case-7", NEW, answer=answer("key-0"))
        asked[8] = to_append("case-8", NEW, answer=answer("key-0", request=b"other"))
        outcomes = await log.append_each(asked)
        kinds = [type(outcome) for outcome in outcomes]
        assert (kinds[3], kinds[7], kinds[8]) == (VersionConflict, AlreadyAnswered, KeyReused)
        positions = [outcome.position for outcome in outcomes if isinstance(outcome, Appended)]
        assert positions == list(range(1, 8))
        assert await log.append_each([]) == []


async def test_more_appends_than_one_commit_takes_are_all_made(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "GATHERED_MAX", 7)
    async with opened_log(database_url) as log:
        appended = await asyncio.gather(*(log.append(to_append(f"case-{number}", NEW)) for number in range(60)))
        assert sorted(one.position for one in appended) == list(range(1, 61))


async def test_each_listener_is_told_of_each_event_once_and_in_order(database_url: str) -> None:
    async with opened_log(database_url) as log:
        told: list[int] = []
        log.on_append(lambda written: told.extend(entry.position for entry in written.get(0, [])))
        await asyncio.gather(*(log.append(to_append(f"case-{number}", NEW)) for number in range(20)))
        await fill(log, 5)
        assert told == list(range(1, 26))


async def test_partitions_are_numbered_and_chained_each_for_itself(postgres_url: str) -> None:
    async with opened_log(postgres_url) as log:
        assert log.partitions == 16
        asked = [to_append(f"case-{number}", NEW, partition=number % 3) for number in range(9)]
        await asyncio.gather(*(log.append(one) for one in asked))
        for partition in range(3):
            assert [envelope.position for envelope in await envelopes(log, partition)] == [1, 2, 3]
            assert (await envelopes(log, partition))[0].id == f"intake:{partition}:1"


async def test_a_caller_who_goes_away_loses_his_answer_and_nobody_elses(database_url: str) -> None:
    async with opened_log(database_url) as log:
        gone = asyncio.create_task(log.append(to_append("case-gone", NEW)))
        stays = asyncio.create_task(log.append(to_append("case-stays", NEW)))
        await asyncio.sleep(0)
        gone.cancel()
        assert (await stays).version == 1
        assert (await log.append(to_append("case-next", NEW))).version == 1
        positions = [entry.position for entry in await entries(log)]
        assert positions == list(range(1, len(positions) + 1))
