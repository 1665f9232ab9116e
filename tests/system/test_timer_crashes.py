"""A service dies on both sides of a reminder, is started again, and every partner is reminded once."""

import asyncio
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from shared.settings import Settings
from tests.auditing import History
from tests.logs import by_hand
from tests.servers import Valkey
from tests.system.desks import Desks
from tests.system.finding_out import audited
from tests.system.place import until
from tests.system.premises import KILLED, open_premises

pytestmark = pytest.mark.timeout(300)

_MAKE_LATE = "UPDATE queue_items SET next_step_at = '2008-03-11T09:30:00Z' WHERE next_step_at IS NOT NULL"
_REMINDERS = "SELECT stream FROM events WHERE entry LIKE '%referral.reminded.v1%'"


async def test_a_house_killed_while_it_reminds_reminds_once(database_url: str, valkey: Valkey, tmp_path: Path) -> None:
    on_postgresql = database_url if database_url.startswith("postgresql") else ""
    with open_premises(tmp_path / "house", valkey.url, on_postgresql) as premises:
        place, history = premises.place, History()
        await Desks(place.urls["intake"], history).record_some(20)
        assert await audited(place, history) == []
        await premises.kill("referral")
        url = Settings(data=place.data, database_url=on_postgresql).database("referral")
        late = await asyncio.to_thread(_make_late, url)

        async def reminders() -> list[str]:
            return await asyncio.to_thread(_reminders, url)

        async def everybody() -> bool:
            return len(await reminders()) >= late

        for point in ("timer.before-step", "timer.after-step"):
            premises.start("referral", f"{point}:2")
            assert await premises.death("referral", point) == KILLED
        # One before the first death, two before the second.
        assert len(await reminders()) == 3

        premises.start("referral")
        await until(everybody, "everybody is reminded")
        # After a start it looks at once.
        await premises.kill("referral")
        premises.start("referral")
        async with httpx.AsyncClient(timeout=60) as client:
            await place.ready(client, "referral")

            async def looked() -> bool:
                ready = (await client.get(f"{place.urls['referral']}/health/ready")).json()
                return bool(ready["timer"]["last_look"])

            await until(looked, "the timer has looked")
        assert await audited(place, history) == []
        assert len(set(await reminders())) == len(await reminders()) == late


def _make_late(url: str) -> int:
    with by_hand(url, "referral").begin() as connection:
        return connection.execute(text(_MAKE_LATE)).rowcount


def _reminders(url: str) -> list[str]:
    with by_hand(url, "referral").connect() as connection:
        return list(connection.execute(text(_REMINDERS)).scalars())
