"""What a service tells Prometheus at `/metrics`: answers by route, how far it has come on each topic, its process.

No label names a category, a partner or a person: whoever may read metrics may not for that reason read figures.
"""

import math
from collections.abc import Callable

from prometheus_client import Counter, Gauge, GCCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import Connection, func, select
from sqlmodel import col

from shared.database import StoreUnavailable
from shared.service import Service
from shared.subscription.tables import DeadLetter

CONTENT_TYPE = CONTENT_TYPE_LATEST

Answered = Callable[[str, str, int], None]
"""(method, route template, status) of an answer that is being sent."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PLACE = ("topic", "partition")


class Telemetry:
    """The metrics of one service, in a registry of its own: several services may live in one process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.registry = registry = service.registry
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._answers = Counter(
            "maison_http_answers", "Answers over HTTP", ("method", "route", "status"), registry=registry
        )
        self._known: dict[tuple[str, str, int], Counter] = {}
        self._position = Gauge(
            "maison_subscription_position", "Last position that was taken in", _PLACE, registry=registry
        )
        self._lag = Gauge(
            "maison_subscription_lag_events",
            "Events on the topic that are not taken in, at the last look",
            _PLACE,
            registry=registry,
        )
        self._head = Gauge("maison_log_head", "Last position of the log", ("partition",), registry=registry)
        self._relayed = Gauge(
            "maison_relay_position", "Last position that is known to be on the topic", ("partition",), registry=registry
        )
        self._letters = Gauge("maison_dead_letters", "Events that were put aside", registry=registry)

    def answered(self, method: str, route: str, status: int) -> None:
        """Count one answer."""
        place = (method, route, status // 100)
        counter = self._known.get(place)
        if counter is None:
            # Looked up once for each route: labels are slow, and a stranger's method must not become one.
            method = method if method in _METHODS else "other"
            counter = self._known[place] = self._answers.labels(method, route, f"{status // 100}xx")
        counter.inc()

    async def exposition(self) -> bytes:
        """Everything as it is now, in the text format of Prometheus."""
        service = self._service
        self._position.clear()
        self._lag.clear()
        for subscription in service.hearing.subscriptions:
            place = (subscription.place.topic, subscription.place.partition)
            if (lag := service.hearing.lag(subscription)) is not None:
                self._position.labels(*place).set(subscription.position)
                self._lag.labels(*place).set(lag)
        for partition, position in (service.relay.positions if service.relay else {}).items():
            self._relayed.labels(partition).set(position)
        try:
            self._letters.set(await service.database.read(self._count_letters))
            for partition, head in (await service.log.heads() if service.log else {}).items():
                self._head.labels(partition).set(head)
        except StoreUnavailable:
            # The rest is what somebody needs to see just now.
            self._letters.set(math.nan)
        return generate_latest(self.registry)

    def _count_letters(self, connection: Connection) -> int:
        query = select(func.count()).select_from(DeadLetter).where(col(DeadLetter.reader) == self._service.name)
        return int(connection.execute(query).scalar_one())
