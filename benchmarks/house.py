"""The house's own parts, put together for one measurement as their composition roots put them together."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path

from redis.asyncio import Redis

from services.intake.app import SCHEMA as INTAKE
from services.referral.app import SCHEMA as REFERRAL
from services.referral.consumers import intake_topic
from services.referral.keeping import keeper
from services.serving import spare_the_collector
from services.stats.app import SCHEMA as STATS
from services.stats.consumers import topics
from services.stats.live import Live
from shared.bus import connect, topic_key
from shared.catalogue import Catalogue, load_catalogue
from shared.database import Database
from shared.log import Append, Log
from shared.migrations import migrate
from shared.relay import Relay, last_position
from shared.service import Service
from shared.settings import Settings

POLL_S = 0.002
TAKE_IN_S_MAX = 60.0


def settings_of(home: Path, server: Path) -> Settings:
    """A house on SQLite in this folder, on this bus."""
    return Settings(data=home, database_url="", redis_url=f"unix://{server}")


@asynccontextmanager
async def intake_log(url: str) -> AsyncIterator[Log]:
    """Intake's log, opened alone: no HTTP, no relay."""
    migrate(url, "intake", INTAKE.versions, INTAKE.newest)
    database = Database(url, "intake")
    await database.start()
    try:
        log = Log(database, "intake")
        await log.start()
        yield log
    finally:
        await database.stop()


async def preload(settings: Settings, appends: Sequence[Append]) -> None:
    """Put events into intake's log, and nowhere else."""
    async with intake_log(settings.database("intake")) as log:
        await log.append_each(appends)


async def relayed_s(settings: Settings) -> float:
    """Seconds that a fresh relay takes until intake's topic holds intake's whole log."""
    async with intake_log(settings.database("intake")) as log, bus(settings) as redis:
        head = (await log.heads())[0]
        relay = Relay(log, redis)
        settle()
        started = time.perf_counter()
        await relay.start()
        await _until(lambda: ends_at(redis, topic_key("intake", 0), head))
        took_s = time.perf_counter() - started
        await relay.stop()
        return took_s


@asynccontextmanager
async def bus(settings: Settings) -> AsyncIterator[Redis]:
    """A client of the house's bus."""
    redis = connect(settings.redis_url)
    try:
        yield redis
    finally:
        await redis.aclose()


def referral(settings: Settings) -> Service:
    """What runs below the HTTP edge of referral."""
    service = Service("referral", settings, REFERRAL)
    catalogue = _catalogue(settings.house_file)
    log = service.own_log(queues=True, project=keeper(catalogue))
    service.hear(intake_topic(log, catalogue, settings.partitions))
    return service


def stats(settings: Settings) -> Service:
    """What runs below the HTTP edge of stats."""
    service = Service("stats", settings, STATS)
    for topic in topics(settings.partitions, Live(service.database).on_change):
        service.hear(topic)
    return service


@lru_cache
def _catalogue(file: Path) -> Catalogue:
    # A process has one. Routes are remembered under it, and a second one, equal to the first, is compared with
    # it part by part at every look-up.
    return load_catalogue(file)


async def taken_in_s(service: Service, head: int, is_done: Callable[[], Awaitable[bool]]) -> float:
    """Seconds that a service takes from standing ready at the topic of intake until it has finished `head` events.

    `is_done` is asked once its checkpoint is there. The first read has been made when the clock starts: it is held.
    """
    (intake,) = [found for found in service.hearing.subscriptions if found.place.topic == "intake"]
    try:
        async with intake.held():
            await service.start()
            await _until(lambda: _is_ready(service))
            settle()
            started = time.perf_counter()
        await _until(lambda: _is_past(service, head))
        await _until(is_done)
        took_s = time.perf_counter() - started
        assert not await service.database.read(intake.place.parked), "an event was parked"
        return took_s
    finally:
        await service.stop()


async def ends_at(redis: Redis, key: str, position: int) -> bool:
    """Whether a topic or queue holds everything up to a position."""
    return await last_position(redis, key) == position


def settle() -> None:
    """Take what was prepared out of the garbage collector's sight, and set it as every service does."""
    spare_the_collector()


async def _is_ready(service: Service) -> bool:
    return bool((await service.health())["ready"])


async def _is_past(service: Service, head: int) -> bool:
    return all(found.position >= head for found in service.hearing.subscriptions if found.place.topic == "intake")


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + TAKE_IN_S_MAX
    while not await holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(POLL_S)
