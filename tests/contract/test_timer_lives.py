"""Whatever is done with a referral, and however the clock jumps: each deadline is chased once, and in order."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import RowMapping, select, update

from services.referral.commands import (
    AcceptReferral,
    Asked,
    AskForPlace,
    CompleteReferral,
    DeclineReferral,
    MissPerson,
    ReceivePerson,
    ReopenReferral,
    UndoMove,
    WalkPerson,
    WithdrawReferral,
)
from services.referral.handlers.referrals import By
from services.referral.keeping import QUEUE_ITEMS
from services.referral.words import Status
from shared.decider import Refusal
from shared.events.referral import ReferralExpired
from tests.referral_desk import CHASED, MONDAY, PARTNER, SITE, Desk, house, opened_desk

MOVES: Sequence[Asked] = (
    AcceptReferral(),
    DeclineReferral("other", "partner"),
    WalkPerson(""),
    ReceivePerson(""),
    MissPerson(""),
    CompleteReferral("helped"),
    WithdrawReferral("mistake"),
    ReopenReferral("mistake"),
    UndoMove(),
)
BOOK, CALL_OFF = "book", "call off"
Act = Asked | timedelta | str
acts = st.lists(
    st.one_of(
        st.sampled_from([*MOVES, BOOK, CALL_OFF]),
        st.integers(1, 6 * 24).map(lambda hours: timedelta(hours=hours)),
        st.sampled_from([timedelta(days=5), timedelta(days=31), -timedelta(hours=2)]),
    ),
    max_size=40,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(told=acts)
@example(told=[AcceptReferral(), timedelta(days=31), WalkPerson(""), timedelta(days=9), MissPerson("")])
@example(told=[timedelta(days=6), AcceptReferral(), UndoMove(), timedelta(days=9), WithdrawReferral("mistake")])
@example(told=[timedelta(days=6), BOOK, CALL_OFF, timedelta(days=31), ReceivePerson(""), timedelta(days=31)])
def test_each_deadline_is_chased_once_in_order_and_never_after_an_answer(lived: "Lived", told: list[Act]) -> None:
    lived.run(told)


@dataclass
class Lived:
    """One desk for all the lives that are tried, and the loop that it runs on."""

    runner: asyncio.Runner
    desk: Desk

    def run(self, told: Sequence[Act]) -> None:
        self.runner.run(_live(self.desk, told))


@pytest.fixture
def lived(database_url: str) -> Iterator[Lived]:
    with asyncio.Runner() as runner:
        opened = opened_desk(database_url)
        desk = runner.run(opened.__aenter__())
        yield Lived(runner, desk)
        runner.run(opened.__aexit__(None, None, None))


async def _live(desk: Desk, told: Sequence[Act]) -> None:
    desk.clock.moment = MONDAY + timedelta(weeks=desk.lives)
    desk.lives += 1
    (name,) = await desk.issue()
    chased: dict[tuple[str, str], list[tuple[str, datetime]]] = {}
    for act in told:
        if isinstance(act, timedelta):
            desk.clock.moment += act
        else:
            with suppress(Refusal):
                await _do(desk, name, act)
        before, row = len(await desk.history(name)), await _row(desk, name)
        await desk.timer.look()
        for envelope in (await desk.history(name))[before:]:
            _judge(envelope.event, row, desk.clock(), chased)
    # The next life begins without this one's deadlines.
    await desk.write(update(QUEUE_ITEMS).values(next_step_at=None))


async def _do(desk: Desk, name: str, act: Asked | str) -> None:
    today = desk.clock().date()
    openings = house().openings(SITE, today, today + timedelta(days=14))
    opening = next((one for one in openings if one.partner == PARTNER and one.end > desk.clock()), None)
    if opening is None:
        return
    match act:
        case "book":
            await desk.ask(name, AskForPlace(opening.permanence_id))
        case "call off":
            await desk.referrals.cancel_permanence(opening, By("house"))
        case _ if not isinstance(act, str):
            await desk.ask(name, act)


async def _row(desk: Desk, name: str) -> RowMapping:
    query = select(QUEUE_ITEMS).where(QUEUE_ITEMS.c.referral_id == name)
    return await desk.log.database.read(lambda connection: connection.execute(query).mappings().one())


def _judge(
    event: object, row: RowMapping, now: datetime, chased: dict[tuple[str, str], list[tuple[str, datetime]]]
) -> None:
    """Whether the timer might do this to a referral that stood so."""
    assert isinstance(event, CHASED)
    assert row["is_open"]
    assert event.deadline == ("first_answer" if row["status"] == Status.ISSUED else "outcome")
    due = row["answer_due_at" if event.deadline == "first_answer" else "outcome_due_at"]
    assert datetime.fromisoformat(due) <= now
    done = chased.setdefault((event.deadline, due), [])
    step = CHASED.index(type(event))
    assert [before for before, _ in done] == ["reminded", "escalated"][:step]
    if done:
        earliest = house().site(SITE).business_days_after(done[-1][1], 1)
        assert now > earliest - timedelta(seconds=1)
    if isinstance(event, ReferralExpired):
        assert row["status"] != Status.RECEIVED
    done.append((type(event).event_type.split(".")[1], now))
