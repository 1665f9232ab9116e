"""A process dies at every durable step of the house, is started again, and nothing is lost and nothing twice."""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from services import SERVICES
from shared.failpoints import FAILPOINTS
from tests.auditing import History
from tests.auditing.figures import check_figures, count
from tests.servers import Valkey
from tests.system.desks import Desks
from tests.system.finding_out import audited, drained, gather
from tests.system.partners import at_work
from tests.system.place import WAIT_S_MAX, Place, until
from tests.system.poison import FromTheFuture, follow_poison
from tests.system.premises import KILLED, Premises, open_premises

# Nothing here is timed: this is for a machine that does much else besides.
pytestmark = pytest.mark.timeout(300)

BOTH_LOGS = ("intake", "referral")
PASSED_BY = {
    "append.before-commit": BOTH_LOGS,
    "append.after-commit": BOTH_LOGS,
    "intake.before-answer": ("intake",),
    "relay.before-publish": BOTH_LOGS,
    "relay.after-publish": BOTH_LOGS,
    "queue.before-publish": ("referral",),
    "subscription.before-effects": SERVICES,
    "subscription.before-checkpoint": SERVICES,
    "subscription.before-commit": SERVICES,
    "subscription.after-commit": SERVICES,
}
PASSED_IN_CARE = (
    "relay.before-restart",
    "relay.before-trim",
    "dead-letter.before-commit",
    "dead-letter.after-commit",
    "replay.before-commit",
    "replay.after-commit",
    "rebuild.before-commit",
    "rebuild.after-commit",
)
"""Passed when something is put aside, handed in again, rebuilt or trimmed."""
PASSED_AT_THE_VAULT = ("vault.before-append", "vault.before-confirm", "vault.before-shred")
"""Passed where people are attached and forgotten: `tests/contract/test_vault_store.py` dies there."""
PASSED_WHEN_LATE = ("timer.before-step", "timer.after-step")
"""Passed when a partner has not answered in time: `tests/system/test_timer_crashes.py` dies there."""


def rounds() -> Iterator[dict[str, str]]:
    """Each service at each of its points, up to three services at a time: service -> "name:hit"."""
    points = [[name for name, services in PASSED_BY.items() if service in services] for service in SERVICES]
    for number, names in enumerate(zip_longest(*points)):
        yield {
            service: f"{name}:{(number + place) % 3 + 1}"
            for place, (service, name) in enumerate(zip(SERVICES, names, strict=True))
            if name
        }


def test_every_crash_point_is_reached_by_a_service() -> None:
    assert {*PASSED_BY, *PASSED_IN_CARE, *PASSED_AT_THE_VAULT, *PASSED_WHEN_LATE} == set(FAILPOINTS)


async def test_a_house_killed_at_any_step_loses_nothing_and_doubles_nothing(
    database_url: str, valkey: Valkey, tmp_path: Path
) -> None:
    on_postgresql = database_url if database_url.startswith("postgresql") else ""
    with open_premises(tmp_path / "house", valkey.url, on_postgresql) as premises:
        place, history = premises.place, History()
        desks = Desks(place.urls["intake"], history)
        for armed in rounds():
            for service, crash_at in armed.items():
                await premises.kill(service)
                premises.start(service, crash_at)
            async with at_work(place, history), desks.open():
                # Side by side: one that is dead may be what another needs to come to its own point.
                await asyncio.gather(*(_die_and_come_back(premises, *each) for each in armed.items()))
            findings = await audited(place, history, kept_as=tmp_path / "history.jsonl")
            assert not findings, (armed, findings[:10])


async def _die_and_come_back(premises: Premises, service: str, crash_at: str) -> None:
    assert await premises.death(service, crash_at) == KILLED, (service, crash_at)
    premises.start(service)


async def test_a_house_killed_while_it_rebuilds_or_trims_counts_right(valkey: Valkey, tmp_path: Path) -> None:
    with open_premises(tmp_path / "house", valkey.url) as premises:
        place, history = premises.place, History()
        await Desks(place.urls["intake"], history).record_some(20)
        assert await audited(place, history) == []
        await _dies(premises, "intake", "relay.before-trim")
        await _back(premises, "intake", "relay.before-restart")
        with valkey.client() as bus:
            await until(lambda: _is_empty(bus, "topic:intake:0"), "the topic is trimmed")
        # A reader that begins anew stands before the window of the topic, which the relay has to fill again.
        rebuilding = asyncio.create_task(_tell(place, "stats", "rebuild"))
        assert await premises.death("intake", "relay.before-restart") == KILLED
        premises.start("intake")
        assert await rebuilding
        for point in ("rebuild.before-commit", "rebuild.after-commit"):
            await _dies(premises, "stats", point, "rebuild")
        assert await audited(place, history) == []


async def test_a_house_killed_while_it_parks_or_replays_counts_once(valkey: Valkey, tmp_path: Path) -> None:
    with open_premises(tmp_path / "house", valkey.url) as premises:
        place, history = premises.place, History()
        desks = Desks(place.urls["intake"], history)
        await desks.record_some(5)
        assert await audited(place, history) == []
        await premises.kill("intake")
        await follow_poison(place, desks.cases[0], FromTheFuture("v-1"))
        await _back(premises, "stats", "dead-letter.before-commit")
        premises.start("intake")
        assert await premises.death("stats", "dead-letter.before-commit") == KILLED
        premises.start("stats", "dead-letter.after-commit:1")
        assert await premises.death("stats", "dead-letter.after-commit") == KILLED
        premises.start("stats")
        for reader in ("stats", "referral"):
            poison = (await until(partial(_letters, place, reader), "poison and visit are parked"))[0]
            await _tell(place, reader, "dead-letters/discard", topic="intake", position=poison["position"])
        await _tell(place, "referral", "dead-letters/replay")
        for point in ("replay.before-commit", "replay.after-commit"):
            await _dies(premises, "stats", point, "dead-letters/replay")
        async with httpx.AsyncClient(timeout=60) as client:
            await place.ready(client)
            await drained(place, client)
            evidence = await gather(place, client)
        assert list(check_figures(evidence.figures, count(evidence.intake, evidence.referral))) == []


async def _back(premises: Premises, service: str, point: str) -> None:
    await premises.kill(service)
    premises.start(service, f"{point}:1")


async def _dies(premises: Premises, service: str, point: str, when_told: str = "") -> None:
    """Start a service with that crash point, give it the order that leads there, see it die, start it again."""
    await _back(premises, service, point)
    async with httpx.AsyncClient() as client:
        if when_told:
            await premises.place.ready(client, service)
            assert not await _tell(premises.place, service, when_told), f"it did not die at {point}"
    assert await premises.death(service, point) == KILLED
    premises.start(service)
    async with httpx.AsyncClient() as client:
        await premises.place.ready(client, service)


async def _tell(place: Place, service: str, what: str, **parameters: Any) -> Any:
    """Its answer; None when it died over it."""
    async with httpx.AsyncClient(timeout=WAIT_S_MAX) as client:
        try:
            return await place.tell(client, service, what, **parameters)
        except httpx.TransportError:
            return None


async def _letters(place: Place, reader: str) -> Any:
    async with httpx.AsyncClient() as client:
        try:
            letters = await place.ask(client, reader, "dead-letters")
        except httpx.TransportError:
            return None
    return letters if len(letters) == 2 else None


async def _is_empty(bus: "redis.Redis", key: str) -> bool:
    return await asyncio.to_thread(bus.xlen, key) == 0
