"""What a service tells Prometheus at `/metrics`: answers by route, how far it has come on each topic, its process.

No label names a category, a partner or a person: whoever may read metrics may not for that reason read figures.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, GCCollector, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import Connection, func, select
from sqlmodel import col
from starlette.types import Scope

from shared.database import StoreUnavailable
from shared.service import Service
from shared.subscription.tables import DeadLetter

CONTENT_TYPE = CONTENT_TYPE_LATEST

Answered = Callable[[str, str, int], None]
"""(method, route template, status) of an answer that is being sent."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PLACE = ("topic", "partition")
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Telemetry:
    """The metrics of one service, in a registry of its own: several services may live in one process."""

    def __init__(self, service: Service) -> None:
        self._service, self._tracing = service, service.tracing
        self.registry = registry = service.registry
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._answers = Counter(
            "maison_http_answers", "Answers over HTTP", ("method", "route", "status"), registry=registry
        )
        self._known: dict[tuple[str, str, int], Counter] = {}
        self._seconds = Histogram(
            "maison_http_seconds",
            "How long answers took, live pages apart",
            ("route",),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._timed: dict[str, Histogram] = {}
        self._measured: list[tuple[Gauge, Callable[[Connection], float]]] = []
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
        self._lag_s = Gauge(
            "maison_subscription_lag_seconds",
            "How long the oldest event that is not taken in has waited; 0 where none waits",
            _PLACE,
            registry=registry,
        )
        self._ready = Gauge("maison_ready", "1 = it reads its topics, as /health/ready says", registry=registry)
        self._letters = Gauge("maison_dead_letters", "Events that were put aside", registry=registry)

    def answered(self, method: str, route: str, status: int) -> None:
        """Count one answer."""
        place = (method, route, status // 100)
        counter = self._known.get(place)
        if counter is None:
            # Looked up once for each route: labels are slow, and a stranger's method must not become one.
            counter = self._known[place] = self._answers.labels(_method(method), route, f"{status // 100}xx")
        counter.inc()
        if self._tracing:
            self._tracing.answered(status)

    def measure(self, name: str, what: str, read: Callable[[Connection], float]) -> None:
        """Tell one number more, read from the service's database whenever somebody asks."""
        self._measured.append((Gauge(name, what, registry=self.registry), read))

    @contextmanager
    def request(self, scope: Scope, route: str) -> Iterator[None]:
        """Around one answer: its time, and its span where somebody traces."""
        timed = self._timed.get(route) or self._timed.setdefault(route, self._seconds.labels(route))
        began = perf_counter()
        try:
            if self._tracing is None:
                yield
            else:
                with self._tracing.request(_method(scope["method"]), route, scope["headers"]):
                    yield
        finally:
            if not route.endswith("/stream"):
                timed.observe(perf_counter() - began)

    async def exposition(self) -> bytes:
        """Everything as it is now, in the text format of Prometheus."""
        service = self._service
        self._position.clear()
        self._lag.clear()
        self._lag_s.clear()
        for subscription in service.hearing.subscriptions:
            place = (subscription.place.topic, subscription.place.partition)
            if (lag := service.hearing.lag(subscription)) is not None:
                self._position.labels(*place).set(subscription.position)
                self._lag.labels(*place).set(lag)
                self._lag_s.labels(*place).set(service.hearing.lag_s(subscription))
        for partition, position in (service.relay.positions if service.relay else {}).items():
            self._relayed.labels(partition).set(position)
        try:
            self._ready.set((await service.health())["ready"])
            self._letters.set(await service.database.read(self._count_letters))
            for gauge, read in self._measured:
                gauge.set(await service.database.read(read))
            for partition, head in (await service.log.heads() if service.log else {}).items():
                self._head.labels(partition).set(head)
        except StoreUnavailable:
            # The rest is what somebody needs to see just now.
            self._ready.set(0)
            for gauge in (self._letters, *(gauge for gauge, _read in self._measured)):
                gauge.set(math.nan)
        return generate_latest(self.registry)

    def _count_letters(self, connection: Connection) -> int:
        query = select(func.count()).select_from(DeadLetter).where(col(DeadLetter.reader) == self._service.name)
        return int(connection.execute(query).scalar_one())


def _method(asked: str) -> str:
    return asked if asked in _METHODS else "other"
