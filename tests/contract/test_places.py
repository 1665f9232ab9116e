"""Places and followers under many hands at once, on each store: one process on SQLite, two on PostgreSQL."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import msgspec
import pytest

from services.referral.commands import (
    AcceptReferral,
    Asked,
    AskForPlace,
    DeclineReferral,
    IssueReferral,
    ReopenReferral,
    ReportNeedUnmet,
    UndoMove,
    WithdrawReferral,
)
from services.referral.handlers.referrals import By, Referrals, hand_over
from services.referral.keeping import keeper
from services.referral.permanences.places import NoPlaceLeft, NotThisPermanence, PlaceGone, opening_of
from services.referral.reactions import react
from services.referral.rebuilding import rebuild_queues
from shared.catalogue import Catalogue, read_catalogue
from shared.database import Database
from shared.envelope import Envelope, encode
from shared.events.intake import RequestMade, VisitRecorded
from shared.log import Log, VersionConflict
from tests.logs import by_hand, opened_database
from tests.referral_stories import MONDAY, SITE, one_after_the_other

PLACES = 2
DECLINE = DeclineReferral("no_capacity", "partner")
WITHDRAW, REOPEN = WithdrawReferral("mistake"), ReopenReferral("mistake")
BY = By("test")


@cache
def house() -> Catalogue:
    """Two places a permanence, and everybody in money trouble is sent to three partners at once."""
    text = re.sub(r"places = \d+", f"places = {PLACES}", one_after_the_other())
    return read_catalogue(text.replace('id = "money-trouble"', 'several = true\nid = "money-trouble"'), "places.toml")


@dataclass
class House:
    """Referral in as many processes as its store allows; their clock stands still."""

    url: str
    processes: Sequence[Referrals]
    log: Log
    database: Database
    visits: int = 0

    async def hand_over(self, category: str) -> list[str]:
        """Record a visit for it; the ids of its referrals."""
        self.visits += 1
        request = RequestMade(f"q{self.visits}", category)
        visit = VisitRecorded(f"v{self.visits}", f"c{self.visits}", SITE, "phone", (request,))
        at = f"2009-01-05T08:{self.visits:02}:00.000+01:00"
        place = (f"intake:0:{self.visits}", "intake", visit.event_type, "case", at, at, f"{self.visits:010}", 1)
        envelope = Envelope("1.0", *place, data=msgspec.Raw(encode(visit)))
        commands = [one for one in react(envelope, house()) if isinstance(one, IssueReferral | ReportNeedUnmet)]
        await self.log.append_each([hand_over(command, envelope, self.log.partitions) for command in commands])
        return [command.referral.referral_id for command in commands if isinstance(command, IssueReferral)]

    async def each(self, asked: Sequence[tuple[str, Asked, int]]) -> list[Any]:
        """Ask for all of it at once, in turn of the processes; what came of each."""
        tasks = [
            self.processes[number % len(self.processes)].carry_out(referral, what, BY, version)
            for number, (referral, what, version) in enumerate(asked)
        ]
        return await asyncio.gather(*tasks, return_exceptions=True)

    async def one(self, referral: str, asked: Asked, version: int) -> None:
        """Ask for one move."""
        await self.processes[0].carry_out(referral, asked, BY, version)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the tables say."""
        with by_hand(self.url, "referral").connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        processes, first = [], None
        for _ in range(1 if url.startswith("sqlite") else 2):
            database = await stack.enter_async_context(opened_database(url, "referral"))
            log = Log(database, "referral", keeper(house()))
            await log.start()
            processes.append(Referrals(log, database, house(), lambda: MONDAY))
            first = first or (log, database)
        assert first
        yield House(url, processes, *first)


def permanence_of(partner: str) -> str:
    opening = house().next_opening(partner, SITE, MONDAY + timedelta(days=1), within_days=14)
    assert opening
    return opening.permanence_id


@pytest.fixture
async def street(database_url: str) -> AsyncIterator[House]:
    async with opened(database_url) as found:
        yield found


async def test_a_place_is_never_sold_twice(street: House) -> None:
    referrals = [(await street.hand_over("health"))[0] for _ in range(5)]
    wanted = AskForPlace(permanence_of("p09"))
    answers = await street.each([(referral, wanted, 1) for referral in referrals])
    assert sum(isinstance(answer, NoPlaceLeft) for answer in answers) == len(referrals) - PLACES
    assert sum(not isinstance(answer, Exception) for answer in answers) == PLACES
    assert street.rows("SELECT place FROM bookings ORDER BY place") == [(1,), (2,)]
    booked = street.rows("SELECT place FROM queue_items WHERE status = 'booked' ORDER BY place")
    assert booked == [(1,), (2,)]


async def test_a_place_given_up_is_free_and_an_undo_does_not_take_it_back(street: House) -> None:
    (first,), (second,), (third,) = [await street.hand_over("health") for _ in range(3)]
    wanted = AskForPlace(permanence_of("p09"))
    await street.one(first, wanted, 1)
    await street.one(second, wanted, 1)
    await street.one(first, WITHDRAW, 2)
    # The place is asked for, and asked back, at one moment.
    answers = await street.each([(third, wanted, 1), (first, UndoMove(), 3)])
    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(answer) for answer in lost] in ([PlaceGone], [NoPlaceLeft])
    assert street.rows("SELECT place FROM bookings ORDER BY place") == [(1,), (2,)]


async def test_another_place_of_the_same_permanence_is_the_same_place(street: House) -> None:
    (referral,) = await street.hand_over("health")
    wanted = AskForPlace(permanence_of("p09"))
    await street.one(referral, wanted, 1)
    await street.one(referral, wanted, 2)
    assert street.rows("SELECT place FROM bookings") == [(1,)]


async def test_nobody_is_booked_in_a_permanence_that_is_called_off_meanwhile(street: House) -> None:
    referrals = [(await street.hand_over("health"))[0] for _ in range(2)]
    permanence = permanence_of("p09")
    opening = opening_of(house(), permanence)
    assert opening
    booking = [
        street.processes[number % len(street.processes)].carry_out(referral, AskForPlace(permanence), BY, 1)
        for number, referral in enumerate(referrals)
    ]
    *answers, put_back = await asyncio.gather(
        *booking, street.processes[-1].cancel_permanence(opening, BY), return_exceptions=True
    )
    booked = [one for one, answer in zip(referrals, answers, strict=True) if not isinstance(answer, Exception)]
    assert {type(answer) for answer in answers if isinstance(answer, Exception)} <= {NotThisPermanence}
    assert isinstance(put_back, list)
    assert sorted(put_back) == sorted(booked)
    assert street.rows("SELECT * FROM bookings") == []
    assert street.rows("SELECT DISTINCT status FROM queue_items") == [("issued",)]


@pytest.mark.parametrize("round_", range(3))
async def test_of_several_who_give_up_at_once_the_last_leaves_one_unmet_need(street: House, round_: int) -> None:
    trio = await street.hand_over("financial")
    answers = await street.each([(referral, DECLINE, 1) for referral in trio])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    statuses = street.rows("SELECT status, count(*) FROM queue_items GROUP BY status ORDER BY status")
    assert statuses == [("declined", 3), ("unmet", 1)]


async def test_a_follower_is_taken_on_or_taken_back_and_never_both(street: House) -> None:
    (first,) = await street.hand_over("health")
    await street.one(first, DECLINE, 1)
    ((second,),) = street.rows("SELECT referral_id FROM queue_items WHERE replaces IS NOT NULL")
    answers = await street.each([(second, AcceptReferral(), 1), (first, REOPEN, 2)])
    status = dict(street.rows("SELECT referral_id, status FROM queue_items"))
    assert status[first] == "issued"
    if isinstance(answers[0], Exception):
        assert isinstance(answers[0], VersionConflict)
        assert status[second] == "withdrawn"
    else:
        assert status[second] == "accepted"


async def test_declines_that_cross_do_not_wait_for_each_other(street: House) -> None:
    here = [(await street.hand_over("health"))[0] for _ in range(3)]
    there = [(await street.hand_over("employment"))[0] for _ in range(3)]
    answers = await street.each([(referral, DECLINE, 1) for pair in zip(here, there, strict=True) for referral in pair])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert len(street.rows("SELECT 1 FROM queue_items WHERE replaces IS NOT NULL")) == 6


async def test_what_is_rebuilt_is_what_was_kept(street: House) -> None:
    (first,), trio = await street.hand_over("health"), await street.hand_over("financial")
    await street.one(first, AskForPlace(permanence_of("p09")), 1)
    for referral in trio:
        await street.one(referral, DECLINE, 1)
    await street.one(trio[0], UndoMove(), 2)
    ((partner,),) = street.rows(f"SELECT queue FROM queue_items WHERE referral_id = '{trio[0]}'")
    opening = opening_of(house(), permanence_of(partner))
    assert opening
    await street.one(trio[0], AskForPlace(opening.permanence_id), 3)
    await street.processes[0].cancel_permanence(opening, BY)
    tables = {"queue_items": "referral_id", "bookings": "referral_id", "permanence_cancellations": "permanence_id"}
    before = {name: street.rows(f"SELECT * FROM {name} ORDER BY {key}") for name, key in tables.items()}
    assert all(before.values())
    await rebuild_queues(street.log, street.database, house())
    assert {name: street.rows(f"SELECT * FROM {name} ORDER BY {key}") for name, key in tables.items()} == before
