"""All the subscriptions of a service: FastStream reads the topics, we keep the books.

Where several replicas run on PostgreSQL, each partition is read by the one that owns it (`ownership.py`).
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from faststream.middlewares import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from redis.asyncio import Redis

from shared.bus import BUS_FAILURES, checkpoints_key, topic_key
from shared.clock import utc_now
from shared.database import Database
from shared.relay import last_position
from shared.relay.readers import report
from shared.subscription.batch import Heard, React, as_it_came, decode_batch, parse
from shared.subscription.checkpoints import Place
from shared.subscription.ownership import Alone, Ownership, Shared
from shared.subscription.subscription import Subscription
from shared.tasks import end
from shared.telemetry.tracing import Tracing

BATCH_MAX = 1_000
POLL_MS = 1_000
REPORT_EVERY_S = 1.0
END_S_MAX = 5.0
"""How long a batch under way is waited for. Cut off, it has happened or not; the checkpoint says which."""
WELL_S_MAX = 5.0
"""A reader that has not kept up for this long is not ready."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Topic:
    """A topic heard, and what its events lead to. `payload` is the union of the events handled, for AsyncAPI."""

    source: str
    partitions: int
    react: React
    payload: Any


class Hearing:
    """Reads topics on behalf of `reader`, from its checkpoints on, for as long as the service runs.

    On PostgreSQL its partitions are shared with the replicas that read on behalf of the same reader; `alone` = with
    nobody. At most `batch_max` entries are taken in at once.
    """

    def __init__(
        self,
        broker: RedisBroker,
        redis: Redis,
        database: Database,
        reader: str,
        *,
        alone: bool = False,
        batch_max: int = BATCH_MAX,
        tracing: Tracing | None = None,
    ) -> None:
        self.reader = reader
        self._broker, self._redis, self._database = broker, redis, database
        self._tracing = tracing
        self._batch_max = batch_max
        self._subscriptions: dict[Place, Subscription] = {}
        self._subscribers: dict[Place, Any] = {}
        self._watch: dict[Place, _Watch] = {}
        self._reporting: asyncio.Task[None] | None = None
        is_alone = alone or database.is_sqlite
        self._ownership: Ownership = Alone(self) if is_alone else Shared(self, database, reader)

    @property
    def subscriptions(self) -> list[Subscription]:
        """One for each partition heard, owned or not."""
        return list(self._subscriptions.values())

    def subscribe(self, topic: Topic) -> None:
        """Declare that `reader` hears a topic. To be called before `start`."""
        for partition in range(topic.partitions):
            place = Place(self.reader, topic.source, partition)
            subscription = Subscription(self._database, place, topic.react, _nothing, self._tracing)
            self._subscriptions[place] = subscription
            self._watch[place] = _Watch()
            self._subscribers[place] = self._subscriber(subscription, topic)

    async def start(self) -> None:
        """Load the checkpoints of what is ours and begin to read. The broker must have been connected.

        Raises what the bus or the database raises; `stop` then undoes what was begun.
        """
        await self._redis.ping()
        client: Any = await self._broker.connect()
        client.set_response_callback("XREAD", as_it_came)
        await self._ownership.start(list(self._subscriptions))
        self._reporting = asyncio.create_task(self._report_forever())

    async def stop(self) -> None:
        """Finish the batches under way and stop reading."""
        if self._reporting:
            await end(self._reporting)
            self._reporting = None
        await self._ownership.stop()

    async def begin(self, place: Place) -> None:
        """Read one partition from its checkpoint on."""
        # FastStream asks a server that is away again and again without a pause: it must not come to that.
        await self._redis.ping()
        await self._subscriptions[place].load()
        try:
            await self._subscribers[place].start()
            await self._report(place)
        except BaseException:
            await self.end(place, at_once=True)
            raise

    async def end(self, place: Place, *, at_once: bool = False) -> None:
        """Read one partition no longer; `begin` may follow."""
        subscriber = self._subscribers[place]
        if not at_once:
            with suppress(TimeoutError):
                async with asyncio.timeout(END_S_MAX), self._subscriptions[place].held():
                    await _silence(subscriber)
        await _silence(subscriber)

    def owns(self, subscription: Subscription) -> bool:
        """Whether it is this process that reads it."""
        return self._ownership.owns(subscription.place)

    def is_steady(self) -> bool:
        """Whether it is known which partitions are ours."""
        return self._ownership.is_steady()

    def _subscriber(self, subscription: Subscription, topic: Topic) -> Any:
        place = subscription.place
        subscriber = self._broker.subscriber(
            stream=StreamSub(
                topic_key(place.topic, place.partition),
                batch=True,
                max_records=self._batch_max,
                polling_interval=POLL_MS,
                last_id="0-0",
            ),
            parser=parse,
            decoder=decode_batch,
            ack_policy=AckPolicy.MANUAL,
            title=f"{self.reader} hears {topic.source}:{place.partition}",
        )

        async def handler(batch: list[Heard]) -> None:
            await subscription.hear(batch)

        # What AsyncAPI is to show: the events inside the entries.
        handler.__annotations__["batch"] = list.__class_getitem__(topic.payload)
        subscriber(handler)

        def rewind(position: int) -> None:
            # FastStream reads on from this attribute; a test of ours holds it to that at every upgrade.
            subscriber.last_id = f"{position}-0"

        subscription.rewind = rewind
        return subscriber

    async def _report_forever(self) -> None:
        while True:
            with suppress(*BUS_FAILURES):
                await self.report()
            await asyncio.sleep(REPORT_EVERY_S)

    async def report(self) -> None:
        """Tell the relays how far each subscription has come, and see whether it keeps up.

        Only what is ours: the position of an idle replica would hold the topic back.
        """
        for place in self._subscriptions:
            if self._ownership.owns(place):
                await self._report(place)

    async def _report(self, place: Place) -> None:
        position = self._subscriptions[place].position
        now_s = utc_now().timestamp()
        await report(self._redis, place.topic, place.partition, self.reader, position, now_s)
        ends_at = await last_position(self._redis, topic_key(place.topic, place.partition))
        self._watch[place].note(position, ends_at)

    async def withdraw(self) -> None:
        """Hold the topics back no longer: this reader is done for good."""
        with suppress(*BUS_FAILURES):
            for place in self._subscriptions:
                await self._redis.hdel(checkpoints_key(place.topic, place.partition), self.reader)

    def is_well(self, subscription: Subscription) -> bool:
        """It reads: the bus answered a moment ago, and what lies on the topic is being taken in."""
        return self._watch[subscription.place].is_well()

    def lag(self, subscription: Subscription) -> int | None:
        """Events that lay on the topic at the last look and are not taken in; None where a replica reads for us."""
        if not self._ownership.owns(subscription.place):
            return None
        return max(0, self._watch[subscription.place].ends_at - subscription.position)

    def lag_s(self, subscription: Subscription) -> float:
        """Seconds since it last had taken in all that lay on the topic."""
        return self._watch[subscription.place].behind_s()


class _Watch:
    """When a reader was last seen to keep up, by the monotonic clock."""

    def __init__(self) -> None:
        self._position = -1
        self._well_at = 0.0
        self._abreast_at = time.monotonic()
        self.ends_at = 0

    def note(self, position: int, ends_at: int) -> None:
        if position >= ends_at or position != self._position:
            self._well_at = time.monotonic()
        if position >= ends_at:
            self._abreast_at = time.monotonic()
        self._position, self.ends_at = position, ends_at

    def behind_s(self) -> float:
        return 0.0 if self._position >= self.ends_at else time.monotonic() - self._abreast_at

    def is_well(self) -> bool:
        return time.monotonic() - self._well_at < WELL_S_MAX


async def _silence(subscriber: Any) -> None:
    """Stop a subscriber of FastStream and see its reading end, so that it can be started again."""
    reading = set(subscriber.tasks)
    for task in reading:
        task.cancel()
    await subscriber.stop()
    # A loop that outlived its subscriber's stop would go on reading beside the next one.
    await end(*reading)


def _nothing() -> None:
    pass


def positions(subscriptions: Sequence[Subscription]) -> dict[str, int]:
    """How many events of each topic are behind us: positions are dense, so partitions add up."""
    counted: dict[str, int] = {}
    for subscription in subscriptions:
        topic = subscription.place.topic
        counted[topic] = counted.get(topic, 0) + subscription.position
    return counted
