"""The timer on each store: every step once, in order, and none after an answer, whatever the clock does."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, update
from sqlalchemy.exc import DBAPIError

from services.referral import timer as timers
from services.referral.commands import (
    AcceptReferral,
    ReceivePerson,
    WalkPerson,
)
from services.referral.keeping import QUEUE_ITEMS
from services.referral.timer import LOOK_EVERY_S_MAX
from shared.database import StoreUnavailable
from shared.events.needs import NeedUnmet
from shared.events.referral import ReferralExpired, ReferralIssued, ReferralReminded
from tests.referral_desk import Desk, opened_desk
from tests.system.place import until

NOTHING = {"remind": 0, "escalate": 0, "expire": 0}
BATCH = 5


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many batches of fewer referrals."""
    monkeypatch.setattr(timers, "BATCH_MAX", BATCH)


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with opened_desk(database_url) as opened:
        yield opened


async def test_a_referral_that_nobody_answers_is_reminded_of_escalated_and_expires(desk: Desk) -> None:
    (name,) = await desk.issue()
    for days, step in ((3, "remind"), (2, "escalate"), (3, "expire")):
        assert await desk.timer.look() == NOTHING
        desk.clock.business_days(days)
        assert await desk.timer.look() == {**NOTHING, step: 1}
    assert await desk.chased(name) == ["reminded", "escalated", "expired"]
    last = (await desk.history(name))[-1]
    assert (last.actor, getattr(last.event, "deadline", None)) == ("house", "first_answer")
    steps = {step: desk.registry.get_sample_value("referral_timer_steps_total", {"step": step}) for step in NOTHING}
    assert steps == {"remind": 1, "escalate": 1, "expire": 1}


async def test_what_expires_goes_to_the_next_partner_whose_clock_begins(desk: Desk) -> None:
    (name,) = await desk.issue()
    for days in (3, 2, 3):
        desk.clock.business_days(days)
        await desk.timer.look()
    expired = (await desk.history(name))[-1].event
    assert isinstance(expired, ReferralExpired)
    assert expired.follower
    followed = (await desk.history(expired.follower))[0].event
    assert isinstance(followed, ReferralIssued | NeedUnmet)
    assert await desk.timer.look() == NOTHING


async def test_an_answer_in_time_is_not_chased_and_its_outcome_is(desk: Desk) -> None:
    (name,) = await desk.issue()
    desk.clock.business_days(1)
    await desk.ask(name, AcceptReferral())
    desk.clock.business_days(10)
    assert await desk.timer.look() == NOTHING
    desk.clock.business_days(4)
    assert await desk.timer.look() == {**NOTHING, "remind": 1}
    reminder = (await desk.history(name))[-1].event
    assert isinstance(reminder, ReferralReminded)
    assert reminder.deadline == "outcome"


async def test_somebody_who_was_received_is_never_dropped(desk: Desk) -> None:
    (name,) = await desk.issue()
    await desk.ask(name, ReceivePerson(""))
    for days in (15, 2, 30, 30):
        desk.clock.business_days(days)
        await desk.timer.look()
    assert await desk.chased(name) == ["reminded", "escalated"]


async def test_who_answers_an_escalated_referral_is_given_time_again(desk: Desk) -> None:
    (name,) = await desk.issue()
    await desk.ask(name, AcceptReferral())
    for days in (15, 2):
        desk.clock.business_days(days)
        await desk.timer.look()
    await desk.ask(name, WalkPerson(""))
    assert await desk.timer.look() == NOTHING
    desk.clock.business_days(3)
    assert await desk.timer.look() == {**NOTHING, "remind": 1}


async def test_after_a_month_away_partners_are_reminded_first_and_nothing_expires_at_once(desk: Desk) -> None:
    names = await desk.issue(2 * BATCH + 3)
    desk.clock.moment += timedelta(days=31)
    many = len(names)
    for days, step in ((2, "remind"), (3, "escalate"), (3, "expire")):
        assert await desk.timer.look() == {**NOTHING, step: many}
        assert await desk.timer.look() == NOTHING
        desk.clock.moment += timedelta(hours=12)
        assert await desk.timer.look() == NOTHING
        desk.clock.business_days(days)


async def test_of_several_timers_each_step_is_taken_by_one(desk: Desk) -> None:
    names = await desk.issue(20)
    timers_ = [desk.timer, desk.another_timer(), desk.another_timer()]
    for days, step in ((3, "remind"), (2, "escalate"), (3, "expire")):
        desk.clock.business_days(days)
        taken = await asyncio.gather(*(timer.look() for timer in timers_))
        assert sum((Counter(each) for each in taken), Counter()) == {step: len(names)}
    assert Counter([tuple(await desk.chased(name)) for name in names]) == {("reminded", "escalated", "expired"): 20}


async def test_what_cannot_be_carried_out_does_not_keep_the_others_waiting(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    names = await desk.issue(BATCH + 2)
    desk.clock.business_days(4)
    # One of a partner that the catalogue does not know, one that the log says otherwise of.
    earliest = {"next_step_at": "2020-01-01T00:00:00Z"}
    of_nobody = update(QUEUE_ITEMS).where(QUEUE_ITEMS.c.referral_id == names[0]).values(queue="p99", **earliest)
    ahead = update(QUEUE_ITEMS).where(QUEUE_ITEMS.c.referral_id == names[1]).values(version=7, **earliest)
    await desk.write(of_nobody)
    await desk.write(ahead)
    assert await desk.timer.look() == {**NOTHING, "remind": BATCH}
    assert f"passes over a referral: {names[0]}" in caplog.text
    # It is not looked at again and again: it waits with everybody else.
    assert await desk.timer.rest_s() == LOOK_EVERY_S_MAX


async def test_the_timer_sleeps_until_the_next_moment_and_never_long(desk: Desk) -> None:
    assert await desk.timer.rest_s() == LOOK_EVERY_S_MAX
    await desk.issue()
    assert await desk.timer.rest_s() == LOOK_EVERY_S_MAX
    desk.clock.business_days(3)
    desk.clock.moment -= timedelta(seconds=8)
    assert await desk.timer.rest_s() == 7


async def test_a_running_timer_takes_what_is_due_and_stops_when_told(desk: Desk) -> None:
    names = await desk.issue(3)
    desk.clock.business_days(3)
    assert desk.timer.state() == {"last_look": None, "well": True}
    await desk.timer.start()
    await until(lambda: _has_looked(desk), "it looks")
    await desk.timer.stop()
    assert [await desk.chased(name) for name in names] == [["reminded"]] * 3
    desk.clock.business_days(3)
    assert await desk.timer.look() == NOTHING


async def test_a_timer_that_has_not_looked_for_minutes_is_not_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.timer.look()
    monkeypatch.setattr(timers, "STALLED_S", 0.0)
    assert desk.timer.state() == {"last_look": "2026-03-09T09:00:00+00:00", "well": False}


async def test_a_database_that_fails_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (name,) = await desk.issue()
    desk.clock.business_days(3)
    for pause in ("RETRY_S", "LOOK_EVERY_S_MAX"):
        monkeypatch.setattr(timers, pause, 0.005)
    await _rename(desk, "queue_items", "mislaid")
    with pytest.raises((StoreUnavailable, DBAPIError)):
        await desk.timer.look()
    await desk.timer.start()
    await asyncio.sleep(0.02)
    await _rename(desk, "mislaid", "queue_items")
    await until(lambda: _has_looked(desk), "it looks")
    await desk.timer.stop()
    assert await desk.chased(name) == ["reminded"]


async def _has_looked(desk: Desk) -> bool:
    return desk.timer.state()["last_look"] is not None


async def _rename(desk: Desk, old: str, new: str) -> None:
    def rename(connection: Connection) -> None:
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")

    await desk.log.database.write(rename)
