"""What the coordinator sees, on each store."""

from collections.abc import AsyncIterator

import pytest

from services.referral import coordinating
from services.referral.commands import AcceptReferral, DeclineReferral
from services.referral.coordinating import CONFIDENTIAL, Coordination, QueueStanding
from shared.access.scope import INNER
from tests.referral_desk import MONDAY, PARTNER, Desk, house, opened_desk

SENSITIVE = "famille--violences-conjugales"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with opened_desk(database_url) as opened:
        yield opened


async def seen(desk: Desk) -> Coordination:
    return await coordinating.coordination(desk.log.database, INNER, house(), desk.clock())


def queue(found: Coordination, code: str = PARTNER) -> QueueStanding:
    return next(one for one in found.queues if one.queue == code)


async def test_every_partner_has_a_line_also_without_anything_to_do(desk: Desk) -> None:
    found = await seen(desk)
    assert {one.queue for one in found.queues} == set(house().partners_by_code)
    assert queue(found).open == 0
    assert queue(found).oldest_at is None
    assert found.unmet == []
    assert found.dead_letters == 0


async def test_a_queue_is_as_long_as_what_is_open_and_as_old_as_the_oldest(desk: Desk) -> None:
    await desk.issue(3)
    desk.clock.business_days(1)
    (late,) = await desk.issue()
    await desk.ask(late, AcceptReferral())
    standing = queue(await seen(desk))
    assert standing.open == 4
    assert standing.oldest_age_h == (desk.clock() - MONDAY).total_seconds() // 3600
    assert (standing.late_first_answers, standing.late_outcomes) == (0, 0)


async def test_late_first_answers_and_late_outcomes_are_told_apart(desk: Desk) -> None:
    waiting, accepted = await desk.issue(2)
    await desk.ask(accepted, AcceptReferral())
    desk.clock.business_days(3)
    assert queue(await seen(desk)).late_first_answers == 1
    desk.clock.business_days(12)
    standing = queue(await seen(desk))
    assert (standing.late_first_answers, standing.late_outcomes) == (1, 1)
    assert waiting


async def test_what_was_reminded_and_what_was_told_to_the_coordinator_is_counted(desk: Desk) -> None:
    (name,) = await desk.issue()
    desk.clock.business_days(3)
    await desk.timer.look()
    assert queue(await seen(desk)).reminded == 1
    assert await coordinating.escalated(desk.log.database, INNER, house()) == []
    desk.clock.business_days(2)
    await desk.timer.look()
    assert queue(await seen(desk)).escalated == 1
    (stuck,) = await coordinating.escalated(desk.log.database, INNER, house())
    assert (stuck.referral_id, stuck.queue, stuck.category) == (name, PARTNER, "health")


async def test_a_need_that_nobody_answers_stands_under_its_month(desk: Desk) -> None:
    (name,) = await desk.issue(category="literacy", partner="p11", tried=("p08",))
    await desk.ask(name, DeclineReferral("no_capacity", "partner"))
    (need,) = (await seen(desk)).unmet
    assert (need.category, need.topic, need.month, need.open) == ("literacy", None, "2026-03", 1)
    (stuck,) = await coordinating.unmet_needs(desk.log.database, INNER, house())
    assert stuck.status == "unmet"


@pytest.mark.parametrize("topic", [SENSITIVE, "a-topic-that-the-house-had-once"])
async def test_what_is_confidential_shows_neither_topic_nor_category(desk: Desk, topic: str) -> None:
    (name,) = await desk.issue(category="legal", partner="p06", topic=topic, tried=("p04", "p05"))
    await desk.ask(name, DeclineReferral("no_capacity", "partner"))
    found = await seen(desk)
    (need,) = found.unmet
    assert (need.category, need.topic) == (CONFIDENTIAL, None)
    (stuck,) = await coordinating.unmet_needs(desk.log.database, INNER, house())
    told = found.model_dump_json() + stuck.model_dump_json()
    assert "legal" not in told
    assert topic not in told
