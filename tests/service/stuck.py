"""Referrals that nobody answered although they were asked to, in the database of a street that opens afterwards."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from shared.settings import Settings
from tests.referral_desk import Clock, opened_desk

SENSITIVE = "famille--violences-conjugales"
WAITED = (3, 2)
"""Business days until a partner is reminded, and from there until the coordinator is told."""


def leave_stuck(folder: Path) -> list[str]:
    """Four referrals that were told to the coordinator and have days until they expire: the last is confidential."""
    names: list[str] = []

    async def seed() -> None:
        async with opened_desk(Settings(data=folder).database("referral")) as desk:
            desk.clock.moment = _long_enough_before(datetime.now(UTC).replace(microsecond=0))
            names.extend(await desk.issue(3))
            names.extend(await desk.issue(category="legal", partner="p06", topic=SENSITIVE))
            for days in WAITED:
                desk.clock.business_days(days)
                await desk.timer.look()

    # A thread of its own: a browser's loop may hold this one.
    thread = threading.Thread(target=lambda: asyncio.run(seed()))
    thread.start()
    thread.join()
    assert len(names) == 4, "nothing was left"
    return names


def _long_enough_before(now: datetime) -> datetime:
    """The last day on which it could have come that the coordinator knows of by now: then it expires days from now."""
    for days in count(sum(WAITED)):
        clock = Clock(now - timedelta(days=days))
        for waited in WAITED:
            clock.business_days(waited)
        if clock() < now:
            return now - timedelta(days=days)
    raise AssertionError("there was no such day")
