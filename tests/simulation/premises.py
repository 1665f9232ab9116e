"""The three services, wired as their composition roots wire them, but for HTTP: what is behind it is asked directly."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from services.intake import app as intake_app
from services.intake.consumers import referral_topic
from services.intake.forms import VisitForms
from services.intake.recording import Recording
from services.referral import app as referral_app
from services.referral.answers import Answers
from services.referral.consumers import intake_topic
from services.referral.handlers.referrals import Referrals
from services.referral.keeping import keeper
from services.referral.timer import Timer
from services.stats import app as stats_app
from services.stats.consumers import topics
from shared.catalogue import Catalogue, load_catalogue
from shared.migrations import migrate
from shared.service import Service
from shared.settings import Settings
from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.store import Died, InlineDatabase

SCHEMAS = {"intake": intake_app.SCHEMA, "referral": referral_app.SCHEMA, "stats": stats_app.SCHEMA}
ANSWER_S_MAX = 5.0
TRAVEL_S_MAX = 0.01
RESTART_S = 0.1
STOP_S_MAX = 15.0
"""A process that has not ended this long after it was told to is killed, as its supervisor does."""
Found = TypeVar("Found")


class NoAnswer(Exception):
    """The line was cut, or nobody was there: what was asked for may have happened or not."""


@dataclass(frozen=True)
class Ground:
    """What every run begins with: databases of the newest schema, and the house file."""

    folder: Path
    settings: Settings
    catalogue: Catalogue
    forms: VisitForms

    @classmethod
    def prepared(cls, folder: Path) -> "Ground":
        """Made once, before the first run."""
        settings = Settings(data=folder, redis_url="redis://bus:6379")
        for name, schema in SCHEMAS.items():
            migrate(settings.database(name), name, schema.versions, schema.newest)
        # What is loaded at first use is loaded here, once for all runs.
        Service("warm", settings, SCHEMAS["stats"])
        InlineDatabase.prepare(settings.database("stats"))
        catalogue = load_catalogue(settings.house_file)
        return cls(folder, settings, catalogue, VisitForms(catalogue))


@dataclass
class Running:
    """One life of one service: from its start to its end, whichever end that is."""

    process: Process
    service: Service
    database: InlineDatabase
    recording: Recording | None = None
    answers: Answers | None = None
    timer: Timer | None = None
    is_serving: bool = False
    asked: "set[asyncio.Future[Any]]" = field(default_factory=set)

    async def start(self) -> None:
        """As the application's lifespan does it."""
        await self.service.start()
        if self.timer:
            await self.timer.start()
        self.is_serving = True

    async def stop(self) -> None:
        """As the application's lifespan does it."""
        self.is_serving = False
        if self.timer:
            await self.timer.stop()
        await self.service.stop()


class House:
    """The services by name; of a service with a twin, the younger is asked."""

    def __init__(self, loop: VirtualLoop, ground: Ground, data: Path, chance: Random) -> None:
        self.loop, self._ground, self._chance = loop, ground, chance
        self.settings = ground.settings.model_copy(update={"data": data})
        self.lives: dict[str, list[Running]] = {name: [] for name in SCHEMAS}
        self.loses_answers: Counter[str] = Counter()
        self.answers_lost = 0
        self.deaths: Counter[str] = Counter()
        self._starting: set[asyncio.Task[None]] = set()

    def start(self, name: str) -> Running:
        """Begin another life of a service."""
        process = Process(f"{name}-{self.deaths[name] + len(self.lives[name])}")
        running: Running = process.context().run(self._wire, name, process)
        process.at_death.append(partial(self._bury, name, running))
        self.lives[name].append(running)
        self._run(running, self._begin(name, running))
        return running

    async def _begin(self, name: str, running: Running) -> None:
        try:
            await running.start()
        except Exception:
            # A process that cannot start ends, and its supervisor starts another.
            self.loop.call_later(RESTART_S, self._again, name, context=Context())
            running.process.die()

    def _again(self, name: str) -> None:
        if not self.lives[name]:
            self.start(name)

    def kill(self, running: Running) -> None:
        """SIGKILL."""
        running.process.die()

    async def stop(self, running: Running) -> None:
        """SIGTERM: it ends what it has begun, and is killed if that takes too long."""
        stopping = self._run(running, running.stop())
        await asyncio.wait({stopping}, timeout=STOP_S_MAX)
        running.process.die()

    def youngest(self, name: str) -> Running | None:
        """Who answers for a service; None while it is down."""
        return self.lives[name][-1] if self.lives[name] else None

    async def ask(self, name: str, call: Callable[[Running], Awaitable[Found]]) -> Found:
        """Ask a service over HTTP. Raises what it raises, or `NoAnswer`."""
        await asyncio.sleep(self._travel_s())
        running = self.youngest(name)
        if running is None or not running.is_serving:
            raise NoAnswer("nobody is there")
        answer: asyncio.Future[Found] = self.loop.create_future()
        running.asked.add(answer)

        def arrived(settle: Callable[[Any], None], outcome: Any) -> None:
            if self.loses_answers[name] > 0:
                self.answers_lost += 1
                settle, outcome = answer.set_exception, NoAnswer("the answer was lost")
            if not answer.done():
                settle(outcome)

        async def serve() -> None:
            try:
                settle, outcome = answer.set_result, await call(running)
            except Exception as error:
                settle, outcome = answer.set_exception, error  # type: ignore[assignment]
            self.loop.call_later(self._travel_s(), arrived, settle, outcome)

        self._run(running, serve())
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                return await answer
        except TimeoutError:
            raise NoAnswer("no answer came") from None
        finally:
            running.asked.discard(answer)

    def _run(self, running: Running, coroutine: Any) -> asyncio.Task[None]:
        task = self.loop.create_task(_unless_dead(coroutine), context=running.process.context())
        self._starting.add(task)
        return task

    def _bury(self, name: str, running: Running) -> None:
        if running in self.lives[name]:
            self.lives[name].remove(running)
        self.deaths[name] += 1
        for answer in running.asked:
            if not answer.done():
                answer.set_exception(NoAnswer("the line was cut"))

    def _travel_s(self) -> float:
        return self._chance.uniform(0.0001, TRAVEL_S_MAX)

    def _wire(self, name: str, process: Process) -> Running:
        service = Service(name, self.settings, SCHEMAS[name])
        database, catalogue = service.database, self._ground.catalogue
        assert isinstance(database, InlineDatabase)
        running = Running(process, service, database)
        partitions = self.settings.partitions
        if name == "intake":
            log = service.own_log()
            service.hear(referral_topic(partitions))
            running.recording = Recording(log, self._ground.forms)
        elif name == "referral":
            log = service.own_log(queues=True, project=keeper(catalogue))
            service.hear(intake_topic(log, catalogue, partitions))
            referrals = Referrals(log, database, catalogue)
            running.timer = Timer(referrals, database, catalogue, registry=service.registry)
            running.answers = Answers(log, database, referrals)
        else:
            for topic in topics(partitions, lambda: None):
                service.hear(topic)
        return running


async def _unless_dead(coroutine: Any) -> None:
    with suppress(Died):
        await coroutine
