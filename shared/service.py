"""What the three services have in common below their edges: a database, a log, a relay, topics heard.

HTTP does not wait for the bus: a house whose Redis is down still records visits, and tells them later.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from faststream.redis.prometheus import RedisPrometheusMiddleware
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from shared.broker import broker
from shared.bus import BUS_FAILURES, connect
from shared.clock import utc_now
from shared.database import Database, StoreUnavailable
from shared.log import Log
from shared.log.writing import Project
from shared.migrations import migrate
from shared.relay import Relay
from shared.settings import Settings
from shared.subscription import Hearing, Topic
from shared.tasks import end
from shared.telemetry.tracing import Tracing

RETRY_AFTER_S = 0.5
TIDY_EVERY_S = 3600
ANSWERS_KEPT_S = 7 * 24 * 3600
"""A desk that was offline over a long weekend still gets its first answers."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schema:
    """Where a service keeps its migrations, and the newest of them."""

    versions: Path
    newest: str


class Service:
    """The running parts of one service, started and stopped in the right order."""

    def __init__(self, name: str, settings: Settings, schema: Schema) -> None:
        self.name, self.settings = name, settings
        self._schema = schema
        self.database = Database(settings.database(name), name)
        self.redis: Redis = connect(settings.redis_url)
        self.registry = CollectorRegistry()
        self.tracing = Tracing(name, settings.traces) if settings.traces else None
        middlewares: list[Any] = [RedisPrometheusMiddleware(registry=self.registry)]
        if self.tracing:
            middlewares.append(self.tracing.middleware)
        self.broker = broker(
            settings.redis_url,
            # A word of the contract document, nothing more.
            protocol="redis",
            apply_types=False,
            logger=cast("Any", None),
            middlewares=middlewares,
        )
        self.hearing = Hearing(self.broker, self.redis, self.database, name, tracing=self.tracing)
        self.log: Log | None = None
        self.relay: Relay | None = None
        self._joining: asyncio.Task[None] | None = None
        self._tidying: asyncio.Task[None] | None = None
        self._heard = False
        self._watched: dict[str, Callable[[], Mapping[str, Any]]] = {}

    def own_log(self, *, queues: bool = False, project: Project | None = None) -> Log:
        """Declare that this service keeps a log, and relays it; `queues`: its tags are partners.

        `project` keeps a read model in the appends' own transactions.
        """
        self.log = Log(self.database, self.name, project)
        self.relay = Relay(self.log, self.redis, queues=queues)
        return self.log

    def hear(self, topic: Topic) -> None:
        """Declare a topic that this service hears."""
        self.hearing.subscribe(topic)

    def watch(self, name: str, state: Callable[[], Mapping[str, Any]]) -> None:
        """Declare another part that must be well for the service to be ready: its state has a member `well`."""
        self._watched[name] = state

    async def start(self) -> None:
        """Open the database; join the bus as soon as it is there."""
        migrate(self.settings.database(self.name), self.name, self._schema.versions, self._schema.newest)
        await self.database.start()
        if self.log and self.relay:
            await self.log.start()
            await self.relay.start()
            self._tidying = asyncio.create_task(self._tidy(self.log))
        self._joining = asyncio.create_task(self._join())

    async def stop(self) -> None:
        """Stop hearing, relaying and writing, in this order, each finishing what it has begun."""
        for task in (self._joining, self._tidying):
            if task:
                await end(task)
        await self.hearing.stop()
        if self.relay:
            await self.relay.stop()
        await self.broker.stop()
        await self.redis.aclose()
        await self.database.stop()
        if self.tracing:
            await asyncio.to_thread(self.tracing.close)

    async def _join(self) -> None:
        while not self._heard:
            try:
                await self.broker.connect()
                await self.hearing.start()
                self._heard = True
            except (*BUS_FAILURES, StoreUnavailable) as error:
                _log.warning("%s waits to hear: %s", self.name, type(error).__name__)
                await self.hearing.stop()
                await asyncio.sleep(RETRY_AFTER_S)

    @staticmethod
    async def _tidy(log: Log) -> None:
        """Forget idempotency keys that nobody will send again."""
        while True:
            with suppress(StoreUnavailable):
                await log.forget_answers(utc_now().timestamp() - ANSWERS_KEPT_S)
            await asyncio.sleep(TIDY_EVERY_S)

    async def health(self) -> dict[str, Any]:
        """Ready = the database answers, and every topic was read a moment ago and waits for nothing."""
        await self.database.read(lambda connection: connection.exec_driver_sql("SELECT 1"))
        subscribers = [
            {
                "topic": subscription.place.topic,
                "partition": subscription.place.partition,
                "checkpoint": subscription.position,
                "waits_for": subscription.waits_for,
                "owned": self.hearing.owns(subscription),
                "well": self.hearing.is_well(subscription),
            }
            for subscription in self.hearing.subscriptions
        ]
        # What another replica reads is that one's to answer for.
        well = all(subscriber["well"] for subscriber in subscribers if subscriber["owned"])
        parts = {name: dict(state()) for name, state in self._watched.items()}
        ready = self._heard and self.hearing.is_steady() and well and all(part["well"] for part in parts.values())
        return {"ready": ready, "service": self.name, "subscribers": subscribers, **parts}
