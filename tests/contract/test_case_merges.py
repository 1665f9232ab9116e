"""Merges on each store: told in both streams or in none, and never in a circle."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from services.intake.case_life import case_state, leading_case, merge_cases, unmerge_case
from services.intake.commands import MergeCases, UnmergeCase
from services.intake.decider import MergedCase, OpenCase, case_stream
from services.intake.refusals import CaseMergedAway, CaseRefusal, PeopleDiffer
from shared.events.intake import CasesMerged, CasesUnmerged
from shared.log import AlreadyAnswered, KeyReused, VersionConflict
from shared.log.append import Answer
from tests.vaults import Desk, opened_desk, settings_of

OPENED_VERSION = 2


async def merge(
    desk: Desk, absorbed: str, kept: str, expected: int = OPENED_VERSION, answer: Answer | None = None
) -> None:
    context = replace(desk.context(absorbed, ""), answer=answer)
    await merge_cases(desk.log, MergeCases(kept, absorbed), context, expected)


async def last(desk: Desk, case_id: str) -> object:
    return (await desk.log.read(case_stream(case_id)))[-1].event


async def test_a_merge_is_told_in_both_streams_and_taken_back_in_both(database_url: str, tmp_path: Path) -> None:
    async with opened_desk(settings_of(database_url, tmp_path)) as desk:
        kept, absorbed = await desk.open_case(), await desk.open_case()
        before = await case_state(desk.log, kept), await case_state(desk.log, absorbed)
        await merge(desk, absorbed, kept)
        assert await last(desk, kept) == await last(desk, absorbed) == CasesMerged(kept, absorbed)
        assert (await leading_case(desk.log, absorbed))[0] == kept
        heads = sum((await desk.log.heads()).values())
        await unmerge_case(desk.log, UnmergeCase(absorbed), desk.context(absorbed, ""), OPENED_VERSION + 1)
        assert await last(desk, kept) == await last(desk, absorbed) == CasesUnmerged(kept, absorbed)
        assert sum((await desk.log.heads()).values()) == heads + 2
        assert (await case_state(desk.log, kept), await case_state(desk.log, absorbed)) == before


async def test_two_merges_that_cross_do_not_make_a_circle(database_url: str, tmp_path: Path) -> None:
    async with opened_desk(settings_of(database_url, tmp_path)) as desk:
        for _ in range(5):
            one, two = await desk.open_case(), await desk.open_case()
            outcomes = await asyncio.gather(merge(desk, one, two), merge(desk, two, one), return_exceptions=True)
            refused = [outcome for outcome in outcomes if outcome is not None]
            assert len(refused) == 1
            assert isinstance(refused[0], CaseMergedAway | VersionConflict)
            states = {type(await case_state(desk.log, case_id)) for case_id in (one, two)}
            assert states == {OpenCase, MergedCase}


async def test_what_is_refused_is_told_in_neither_stream(database_url: str, tmp_path: Path) -> None:
    async with opened_desk(settings_of(database_url, tmp_path)) as desk:
        kept, absorbed, other = [await desk.open_case() for _ in range(3)]
        await desk.attach(case_id=kept)
        await desk.attach(case_id=other)
        heads = await desk.log.heads()
        with pytest.raises(PeopleDiffer):
            await merge(desk, other, kept, OPENED_VERSION + 1)
        for nonsense in (kept, "nobody"):
            with pytest.raises((CaseRefusal, VersionConflict)):
                await merge(desk, nonsense, kept, OPENED_VERSION + 1)
        with pytest.raises(VersionConflict):
            await merge(desk, absorbed, kept, expected=1)
        assert await desk.log.heads() == heads


async def test_a_merge_sent_again_is_made_once(database_url: str, tmp_path: Path) -> None:
    async with opened_desk(settings_of(database_url, tmp_path)) as desk:
        kept, absorbed, another = [await desk.open_case() for _ in range(3)]
        first = Answer("key", b"first request", lambda _appended: b"{}")
        await merge(desk, absorbed, kept, answer=first)
        heads = await desk.log.heads()
        with pytest.raises(AlreadyAnswered):
            await desk.log.answered_before(first)
        with pytest.raises(KeyReused):
            await merge(desk, another, kept, answer=Answer("key", b"another request", lambda _appended: b"{}"))
        assert await desk.log.heads() == heads
