"""A referral service below its edges, by a clock that a test moves: to issue referrals, to answer them, to wait."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.referral.commands import Asked
from services.referral.decider import referral_stream
from services.referral.handlers.referrals import By, Referrals
from services.referral.keeping import keeper
from services.referral.timer import Timer
from shared.catalogue import Catalogue, load_catalogue
from shared.envelope import Envelope, timestamp
from shared.events.referral import ReferralEscalated, ReferralExpired, ReferralIssued, ReferralReminded
from shared.log import NEW, Append, Log, partition_of, writing
from tests.logs import opened_database

HOUSE_FILE = Path(__file__).parents[1] / "houses" / "fontaine-d-ouche.toml"
SITE, PARTNER = "fontaine-d-ouche", "p09"
MONDAY = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
CHASED = (ReferralReminded, ReferralEscalated, ReferralExpired)


@cache
def house() -> Catalogue:
    return load_catalogue(HOUSE_FILE)


@dataclass
class Clock:
    """A clock that a test moves."""

    moment: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.moment

    def business_days(self, days: int) -> None:
        self.moment = house().site(SITE).business_days_after(self.moment, days) + timedelta(seconds=1)


@dataclass
class Desk:
    """A referral service below its edges, and the clock on its wall."""

    clock: Clock
    log: Log
    referrals: Referrals
    timer: Timer
    registry: CollectorRegistry
    lives: int = 0
    _numbers: "count[int]" = field(default_factory=count)

    def another_timer(self) -> Timer:
        return Timer(self.referrals, self.log.database, house(), self.clock, CollectorRegistry())

    async def issue(self, many: int = 1, **facts: Any) -> list[str]:
        names = [f"r{next(self._numbers)}" for _ in range(many)]
        await self.log.append_each([self._issued(name, facts) for name in names])
        return names

    def _issued(self, name: str, facts: dict[str, Any]) -> Append:
        known = {
            "referral_id": name,
            "request_id": f"q-{name}",
            "visit_id": f"v-{name}",
            "case_id": f"c-{name}",
            "site": SITE,
            "category": "health",
            "partner": PARTNER,
            "rule": "health",
            "catalogue_version": "1",
            "issued_on": self.clock().date().isoformat(),
        }
        event = ReferralIssued(**(known | facts))
        partition = partition_of(PARTNER, self.log.partitions)
        return Append(referral_stream(name), [event], NEW, timestamp(self.clock()), partition, PARTNER)

    async def ask(self, name: str, asked: Asked) -> None:
        version = len(await self.log.read(referral_stream(name)))
        await self.referrals.carry_out(name, asked, By(PARTNER), version)

    async def history(self, name: str) -> list[Envelope]:
        return await self.log.read(referral_stream(name))

    async def chased(self, name: str) -> list[str]:
        return [one.type.split(".")[1] for one in await self.history(name) if isinstance(one.event, CHASED)]

    async def write(self, statement: object) -> None:
        await self.log.database.write(lambda connection: connection.execute(statement))  # type: ignore[call-overload]


@asynccontextmanager
async def opened_desk(url: str) -> AsyncIterator[Desk]:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patched:
        # What is recorded, deadlines count from: it goes by the same clock.
        patched.setattr(writing, "utc_now", clock)
        async with opened_database(url, "referral") as database:
            log = Log(database, "referral", keeper(house()))
            await log.start()
            referrals = Referrals(log, database, house(), clock)
            registry = CollectorRegistry()
            yield Desk(clock, log, referrals, Timer(referrals, database, house(), clock, registry), registry)
