"""Referrals that nobody answered although they were asked to, in the database of a street that opens afterwards."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.settings import Settings
from tests.referral_desk import opened_desk

SENSITIVE = "famille--violences-conjugales"


def leave_stuck(folder: Path) -> list[str]:
    """Four referrals that were told to the coordinator and have days until they expire: the last is confidential."""
    names: list[str] = []

    async def seed() -> None:
        async with opened_desk(Settings(data=folder).database("referral")) as desk:
            # Long enough ago for five business days to have passed, too short for ten.
            desk.clock.moment = datetime.now(UTC).replace(microsecond=0) - timedelta(days=11)
            names.extend(await desk.issue(3))
            names.extend(await desk.issue(category="legal", partner="p06", topic=SENSITIVE))
            for days in (3, 2):
                desk.clock.business_days(days)
                await desk.timer.look()

    # A thread of its own: a browser's loop may hold this one.
    thread = threading.Thread(target=lambda: asyncio.run(seed()))
    thread.start()
    thread.join()
    assert len(names) == 4, "nothing was left"
    return names
