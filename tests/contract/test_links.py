"""Signed links on each store: good for one answer to one referral, for eight days, and for nothing that is delicate."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.referral.commands import AcceptReferral, DeclineReferral, UndoMove
from services.referral.links import LINK_DAYS, Grant, Links, NoLink, NotWaiting, links_key
from shared.settings import Settings
from tests.referral_desk import PARTNER, Desk, house, opened_desk

OURS, THEIRS = b"an invented key", b"that of another house"
NO = DeclineReferral("no_capacity", "partner")


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with opened_desk(database_url) as opened:
        yield opened


def links_of(desk: Desk, key: bytes = OURS) -> Links:
    return Links(lambda: key, desk.log, desk.referrals, house(), desk.clock)


async def given_link(desk: Desk, name: str) -> tuple[Links, str, Grant]:
    links = links_of(desk)
    token, grant = await links.give(name)
    assert links.read(token) == grant
    return links, token, grant


async def test_a_link_answers_its_referral_once(desk: Desk) -> None:
    name, other = await desk.issue(2)
    links, _, grant = await given_link(desk, name)
    await links.answer(grant, AcceptReferral())
    answered = (await desk.history(name))[-1]
    assert (answered.type, answered.actor) == ("referral.accepted.v1", PARTNER)
    for asked in (AcceptReferral(), NO):
        with pytest.raises(NotWaiting):
            await links.answer(grant, asked)
    assert [len(await desk.history(each)) for each in (name, other)] == [2, 1]


async def test_a_refusal_by_link_sends_the_request_on(desk: Desk) -> None:
    (name,) = await desk.issue()
    links, _, grant = await given_link(desk, name)
    await links.answer(grant, NO)
    declined = (await desk.history(name))[-1].event
    assert getattr(declined, "follower", None)


async def test_of_many_who_answer_by_one_link_one_does(desk: Desk) -> None:
    (name,) = await desk.issue()
    links, _, grant = await given_link(desk, name)
    answers = await asyncio.gather(*(links.answer(grant, NO) for _ in range(8)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType"] + ["NotWaiting"] * 7


async def test_a_link_is_used_up_by_any_answer_even_one_that_was_undone(desk: Desk) -> None:
    (name,) = await desk.issue()
    links, _, grant = await given_link(desk, name)
    await desk.ask(name, AcceptReferral())
    await desk.ask(name, UndoMove())
    with pytest.raises(NotWaiting):
        await links.answer(grant, AcceptReferral())
    _, _, fresh = await given_link(desk, name)
    await links.answer(fresh, AcceptReferral())


async def test_a_reminder_does_not_use_a_link_up(desk: Desk) -> None:
    (name,) = await desk.issue()
    links, _, grant = await given_link(desk, name)
    desk.clock.business_days(3)
    assert (await desk.timer.look())["remind"] == 1
    await links.answer(grant, AcceptReferral())
    assert await desk.chased(name) == ["reminded"]


async def test_a_link_is_good_for_eight_days(desk: Desk) -> None:
    (name,) = await desk.issue()
    links, token, grant = await given_link(desk, name)
    desk.clock.moment += timedelta(days=LINK_DAYS) - timedelta(seconds=1)
    assert links.read(token) == grant
    desk.clock.moment += timedelta(seconds=1)
    assert links.read(token) is None


async def test_a_token_of_another_house_or_a_changed_one_is_nothing(desk: Desk) -> None:
    (name,) = await desk.issue()
    links, token, _ = await given_link(desk, name)
    foreign, _ = await links_of(desk, THEIRS).give(name)
    middle = len(token) // 2
    changed = [token[:-1], token + "A", token[:middle] + ("B" if token[middle] == "A" else "A") + token[middle + 1 :]]
    for wrong in (foreign, *changed, token.swapcase(), "", ".", "..", "x" * 10_000, "é", "\x00"):
        assert links.read(wrong) is None


async def test_nothing_delicate_is_spoken_of_outside_and_nobody_is_told_why(desk: Desk) -> None:
    sensitive = next(topic for topic in house().topics if topic.sensitive)
    delicate = [
        *await desk.issue(category=sensitive.category, topic=sensitive.code),
        *await desk.issue(safe_to_contact=False),
        *await desk.issue(topic="a-topic-that-is-no-more"),
    ]
    for name in delicate:
        with pytest.raises(NoLink) as refused:
            await links_of(desk).give(name)
        assert str(refused.value) == ""
        # Nor by a link that was given before anybody knew.
        with pytest.raises(NoLink):
            await links_of(desk).answer(Grant(name, 1, desk.clock()), AcceptReferral())


async def test_there_is_no_link_to_what_does_not_wait(desk: Desk) -> None:
    (name,) = await desk.issue()
    await desk.ask(name, AcceptReferral())
    with pytest.raises(NotWaiting) as known:
        await links_of(desk).give(name)
    with pytest.raises(NotWaiting) as unknown:
        await links_of(desk).give("nobody")
    assert (known.value.is_known, unknown.value.is_known) == (True, False)


@given(st.text(max_size=400) | st.from_regex(r"[A-Za-z0-9_.-]{0,120}", fullmatch=True))
def test_no_made_up_token_is_ever_good(token: str) -> None:
    assert Links(lambda: OURS, None, None, house()).read(token) is None  # type: ignore[arg-type]


def test_the_key_is_made_once_and_is_for_the_house_alone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    first = links_key(settings)
    file = tmp_path / "data" / "links.key"
    assert (len(first) >= 32, file.stat().st_mode & 0o777) == (True, 0o600)
    assert links_key(settings) == first
    assert [path.name for path in file.parent.iterdir()] == ["links.key"]
    assert links_key(settings.model_copy(update={"links_key": SecretStr("of the operator\n")})) == b"of the operator"
