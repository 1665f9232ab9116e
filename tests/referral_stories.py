"""Referrals that live through every kind of move, told by the service's own code: something for an auditor to read."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from services.referral.commands import (
    AcceptReferral,
    Asked,
    AskForPlace,
    CompleteReferral,
    DeclineReferral,
    ExpireReferral,
    HandToPartner,
    MissPerson,
    ReceivePerson,
    RemindPartner,
    ReopenReferral,
    UndoMove,
    WalkPerson,
    WithdrawReferral,
)
from services.referral.handlers.referrals import By, Referrals
from services.referral.permanences.places import opening_of
from shared.catalogue import Catalogue, read_catalogue
from shared.database import Database
from shared.decider import Refusal
from shared.log import Log

HOUSE_FILE = Path(__file__).parents[1] / "houses" / "fontaine-d-ouche.toml"
SITE = "fontaine-d-ouche"
MONDAY = datetime(2009, 1, 5, 9, tzinfo=ZoneInfo("Europe/Paris"))

DECLINE = DeclineReferral("no_capacity", "partner")
MISTAKE = ReopenReferral("mistake")
STORIES: Sequence[Sequence[Asked]] = (
    (AcceptReferral(), CompleteReferral("helped")),
    (DECLINE,),
    (WalkPerson(), ReceivePerson(), CompleteReferral("partly_helped")),
    (DECLINE, MISTAKE),
    (WalkPerson(), MissPerson(), WithdrawReferral("no_longer_needed")),
    (DECLINE, MISTAKE, UndoMove()),
    (WalkPerson(), ReceivePerson(), UndoMove(), RemindPartner("2009-01-08T09:00:00Z"), ExpireReferral()),
    (AcceptReferral(), CompleteReferral("not_helped"), ReopenReferral("came_back"), UndoMove()),
    (DeclineReferral("already_helped", "person"),),
)
"""What becomes of one referral after the other, in the order of their visits."""


def several_house(more: str = "") -> Catalogue:
    """The house, but that whoever is in money trouble is sent to every partner for it at once; `more` of its file."""
    text = HOUSE_FILE.read_text("utf-8")
    rule = 'id = "money-trouble"'
    assert rule in text
    return read_catalogue(text.replace(rule, f"several = true\n{rule}") + more, "several.toml")


def one_after_the_other() -> str:
    """A house file where health is asked of p09 first, at any moment: p02 is never in the building."""
    text = re.sub(r".*partner = \"p02\", weekday.*\n", "", HOUSE_FILE.read_text("utf-8"))
    found = re.sub(r'(code = "p02"(?:\n.+)*\nreached = )"permanence"', r'\1"outside"', text)
    assert found != text
    return found


class Hands:
    """Moves referrals, each move ten minutes after the one before."""

    def __init__(self, database: Database, log: Log, catalogue: Catalogue) -> None:
        self._database, self.catalogue = database, catalogue
        self.now = MONDAY
        self.referrals = Referrals(log, database, catalogue, self._tick)

    async def rows(self, condition: str = "1 = 1") -> list[tuple[str, str]]:
        """Referral and queue of those in the queues, oldest first."""
        query = f"SELECT referral_id, queue FROM queue_items WHERE {condition} ORDER BY issued_at, category, position"
        found = await self._database.read(lambda connection: connection.exec_driver_sql(query).all())
        return [(row[0], row[1]) for row in found]

    async def move(self, referral: str, *moves: Asked) -> None:
        """Carry out one move after the other."""
        for asked in moves:
            version = await self._database.read(partial(_version, referral))
            await self.referrals.carry_out(referral, asked, By("test"), version)

    def next_permanence(self, partner: str) -> str | None:
        """The next one that the partner holds."""
        opening = self.catalogue.next_opening(partner, SITE, self.now, within_days=14)
        return opening.permanence_id if opening else None

    def _tick(self) -> datetime:
        self.now += timedelta(minutes=10)
        return self.now


def _version(referral: str, connection: Connection) -> int:
    query = f"SELECT max(version) FROM events WHERE stream = 'referral-{referral}'"
    found: int = connection.exec_driver_sql(query).scalar_one()
    return found


async def live_through(database: Database, log: Log, catalogue: Catalogue) -> None:
    """Every story, and those of several referrals: beside each other, booked and called off, unmet and taken up."""
    hands = Hands(database, log, catalogue)
    beside = await hands.rows("category = 'financial' AND status = 'issued'")
    alone = await hands.rows("category <> 'financial' AND status = 'issued'")
    for (referral, _queue), story in zip(alone, STORIES, strict=False):
        await hands.move(referral, *story)
    trio, others = beside[:3], beside[3:]
    for referral, _queue in trio:
        await hands.move(referral, DECLINE)
    await hands.move(trio[0][0], MISTAKE, AcceptReferral())
    await _book(hands, others)
    unmet = await hands.rows("status = 'unmet' AND replaces IS NULL")
    await hands.move(unmet[0][0], HandToPartner("p16"))


async def _book(hands: Hands, found: Sequence[tuple[str, str]]) -> None:
    """Two take places; one permanence is called off."""
    booked = []
    for referral, queue in found:
        if permanence := hands.next_permanence(queue):
            await hands.move(referral, AskForPlace(permanence))
            booked.append(permanence)
    assert len(set(booked)) > 1
    opening = opening_of(hands.catalogue, booked[0])
    assert opening is not None
    await hands.referrals.cancel_permanence(opening, By("house"))


async def live_at_random(database: Database, log: Log, catalogue: Catalogue, chance: Random, moves: int) -> int:
    """Whatever anybody may think of, allowed or not; how much of it was carried out."""
    hands = Hands(database, log, catalogue)
    done = 0
    for _ in range(moves):
        referral, queue = chance.choice(await hands.rows())
        permanence = hands.next_permanence(queue)
        asked: list[Asked] = [*_ANYTHING, HandToPartner(chance.choice(catalogue.partners).code)]
        if permanence:
            asked.append(AskForPlace(permanence))
        try:
            await hands.move(referral, chance.choice(asked))
            done += 1
        except Refusal:
            continue
        if permanence and not chance.randrange(25) and (opening := opening_of(catalogue, permanence)):
            await hands.referrals.cancel_permanence(opening, By("house"))
    return done


_ANYTHING: Sequence[Asked] = (
    AcceptReferral(), DECLINE, DECLINE, DeclineReferral("moved", "person"), WalkPerson(), ReceivePerson(), MissPerson(),
    CompleteReferral("helped"), WithdrawReferral("no_longer_needed"), MISTAKE, MISTAKE, UndoMove(), UndoMove(),
    UndoMove(), ExpireReferral(), RemindPartner("2009-01-08T09:00:00Z"),
)  # fmt: skip
