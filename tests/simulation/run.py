"""One run of one plan: the house is struck, healed, drained and audited."""

import asyncio
import logging
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from random import Random
from threading import Event
from typing import Any, NamedTuple
from uuid import UUID

import redis.utils

import shared.clock
import shared.ids
import shared.service
from services.referral import timer
from services.stats.periods import Grain
from services.stats.queries import Asked, rows_of
from services.verify.audit import audit as verified
from services.verify.sources import _in_order as in_order
from services.verify.stores import Store, sqlite_store
from services.verify.topics import Bus as VerifiedBus
from shared.bus import queue_key
from shared.relay import relay
from shared.relay.calls import script
from tests.auditing import Evidence, Finding, Stored, audit, visits_of
from tests.auditing.figures import check_figures
from tests.auditing.order import check_positions
from tests.simulation.bus import Bus, Stream
from tests.simulation.faults import Nemesis, Wall
from tests.simulation.loop import StandsStill, VirtualLoop
from tests.simulation.people import People
from tests.simulation.plan import Plan
from tests.simulation.premises import SCHEMAS, Ground, House
from tests.simulation.store import InlineDatabase
from tests.simulation.wires import Network
from tests.system.finding_out import QUESTIONS, SELECT, stored

BEGINNINGS = tuple(
    datetime(2026, month, day, hour, minute, 55, tzinfo=UTC).timestamp()
    for month, day, hour, minute in ((3, 10, 9, 0), (3, 10, 22, 59), (3, 29, 0, 59), (6, 30, 21, 59), (12, 31, 22, 59))
)
"""An ordinary morning, and moments at which a local day, a year or a summer time is about to begin."""
DRAINED_S_MAX = 90.0
QUIET_S = 2.2
"""Longer than it takes every reader and every relay to look again."""
LOOK_EVERY_S = 0.4
TIMER_LOOKS_EVERY_S = 4.0
"""Oftener than it needs to: half a minute of waiting readers would cost more than all else in a run."""
RELAYS_LOOK_EVERY_S = 2.0
"""More seldom than they do: in short runs most looks find nothing, and each asks for the end of every queue."""
HEARS = {"intake": ("referral",), "referral": ("intake",), "stats": ("intake", "referral")}

_OVER: "list[_Run]" = []
"""Runs of this process. Kept: what is killed must not be cleaned up either, in the middle of the next run."""


class Report(NamedTuple):
    """What came of a run. `struck`: each fault that met something, how often."""

    findings: list[Finding]
    struck: Mapping[str, int]
    visits: int
    steps: int


def carry_out(plan: Plan, ground: Ground, folder: Path) -> Report:
    """Play a plan in a folder of its own. The process is changed for good: it is to be one that is thrown away.

    Others may have been played in it: each sets what it changes anew.
    """
    logging.disable(logging.CRITICAL)
    for name in SCHEMAS:
        shutil.copy(ground.folder / f"{name}.sqlite3", folder)
    loop = VirtualLoop(Random(f"loop {plan.seed}"))
    wall = Wall(loop.time, Random(f"wall {plan.seed}").choice(BEGINNINGS))
    _stand_in(loop, wall, plan.seed)
    asyncio.set_event_loop(loop)
    run = _Run(loop, wall, plan, ground, folder)
    _OVER.append(run)
    try:
        findings = loop.run_until_complete(run.play())
    except StandsStill:
        findings = [Finding("stands still", "nobody can go on, and somebody waits")]
    return Report(findings, dict(run.nemesis.struck), len(plan.visits), loop.steps)


class _Run:
    def __init__(self, loop: VirtualLoop, wall: Wall, plan: Plan, ground: Ground, folder: Path) -> None:
        self._loop, self._ground, self._folder = loop, ground, folder
        self._bus = Bus(script().source)
        self._network = loop.wires = Network(loop, self._bus, Random(f"wires {plan.seed}"))
        self._house = House(loop, ground, folder, Random(f"house {plan.seed}"))
        self._people = People(self._house, plan)
        self._looking: dict[str, sqlite3.Connection] = {}
        self.nemesis = Nemesis(loop, self._house, self._network, wall, plan)

    async def play(self) -> list[Finding]:
        """From the first start to what is found wrong."""
        for name in SCHEMAS:
            self._house.start(name)
        partners = [partner.code for partner in self._ground.catalogue.partners]
        others = [
            asyncio.ensure_future(self._people.answer_forever(partners)),
            asyncio.ensure_future(self._people.read_forever()),
        ]
        unserved = await self._struck()
        for other in others:
            other.cancel()
        stuck = [] if unserved else await self._until_drained()
        if unserved or stuck:
            # What waits for ever says little: the logs may say why.
            logs = {name: self._log(name) for name in ("intake", "referral")}
            holes = [finding for name, log in logs.items() for finding in check_positions(name, log)]
            return [*self._people.found, *holes, *unserved, *stuck]
        evidence = self._gather()
        days = check_figures(self._visits_by_day(), _days_of(evidence.intake))
        return [*self._people.found, *audit(self._people.history, evidence), *days, *self._verified()]

    async def _struck(self) -> list[Finding]:
        try:
            await asyncio.gather(self._work(), self.nemesis.strike())
        except AssertionError as unserved:
            return [Finding("never served", str(unserved))]
        return []

    async def _work(self) -> None:
        try:
            await self._people.work()
        finally:
            self.nemesis.all_acknowledged.set()

    async def _until_drained(self) -> list[Finding]:
        give_up = self._loop.time() + DRAINED_S_MAX
        quiet_since = None
        while self._loop.time() < give_up:
            await asyncio.sleep(LOOK_EVERY_S)
            left = self._left_to_do()
            if left:
                quiet_since = None
            elif quiet_since is None:
                quiet_since = self._loop.time()
            elif self._loop.time() - quiet_since >= QUIET_S and await self._is_ready():
                return []
        found = [Finding("never drained", what) for what in left] or [Finding("never ready", "though it is drained")]
        if left and await self._is_ready():
            found.append(Finding("healthy but deaf", left[0]))
        return found

    async def _is_ready(self) -> bool:
        for name in SCHEMAS:
            with suppress(Exception):
                health = await self._house.ask(name, lambda one: one.service.health())
                if health["ready"]:
                    continue
            return False
        return True

    def _left_to_do(self) -> list[str]:
        heads = {name: self._rows(name, "SELECT head FROM partitions")[0][0] for name in ("intake", "referral")}
        left = []
        for reader in SCHEMAS:
            stands = dict(self._rows(reader, f"SELECT topic, position FROM checkpoints WHERE reader = '{reader}'"))
            left += [
                f"{reader} stands at {stands.get(topic, 0)} of {topic}, which ends at {heads[topic]}"
                for topic in HEARS[reader]
                if stands.get(topic, 0) < heads[topic]
            ]
            left += [
                f"{reader} has parked {row}" for row in self._rows(reader, "SELECT position, reason FROM dead_letters")
            ]
        for tag, end in self._rows("referral", "SELECT tag, max(position) FROM events GROUP BY tag"):
            stream = self._bus.contents.streams.get(queue_key(tag).encode())
            if stream is None or stream.last[0] != end:
                left.append(f"the queue of {tag} does not end at {end}")
        return left

    def _rows(self, name: str, query: str) -> list[Any]:
        if name not in self._looking:
            self._looking[name] = sqlite3.connect(self._folder / f"{name}.sqlite3", isolation_level=None)
        return self._looking[name].execute(query).fetchall()

    def _gather(self) -> Evidence:
        logs = {name: self._log(name) for name in ("intake", "referral")}
        held = {key.decode(): _carried(stream) for key, stream in self._bus.contents.streams.items()}
        topics = {(key.split(":")[1], int(key.split(":")[2])): held[key] for key in held if key.startswith("topic:")}
        queues = {key.removeprefix("queue:"): held[key] for key in held if key.startswith("queue:")}
        return Evidence(logs["intake"], logs["referral"], self._figures(), topics, queues)

    def _verified(self) -> list[Finding]:
        """What the house's own verification says of the files: chains, read models, checkpoints."""
        with ExitStack() as stack:
            bus = VerifiedBus(absent="a model")
            files = partial(_file, self._folder)
            checks = verified(in_order(stack, bus, files))["checks"]
        return [Finding(f"verify: {check['name']}", check["detail"]) for check in checks if not check["ok"]]

    def _log(self, name: str) -> list[Stored]:
        return stored(self._rows(name, SELECT))

    def _visits_by_day(self) -> Mapping[str, int]:
        rows = self._ask(Asked("visits", grain=Grain.DAY))
        return {f"visits/day={row['period']}": row["count"] for row in rows}

    def _ask(self, asked: Asked) -> list[dict[str, Any]]:
        running = self._house.youngest("stats")
        assert running is not None
        return running.database.read_now(lambda connection: rows_of(connection, asked))

    def _figures(self) -> Mapping[str, int]:
        return {
            f"{figure}/{by}={row[by]}" if by else figure: row["count"]
            for figure, dimensions in QUESTIONS.items()
            for by in (None, *dimensions)
            for row in self._ask(Asked(figure, by))
        }


def _carried(stream: Stream) -> Mapping[int, str]:
    return {entry_id[0]: fields[1].decode() for entry_id, fields in stream.entries}


def _file(folder: Path, name: str) -> AbstractContextManager[Store]:
    return sqlite_store(folder / f"{name}.sqlite3", Event())


def _days_of(intake: Sequence[Stored]) -> Mapping[str, int]:
    return Counter(f"visits/day={visit.day}" for visit in visits_of(intake))


def _stand_in(loop: VirtualLoop, wall: Wall, seed: int) -> None:
    """Clocks, identifiers and threads are the run's own from here on."""
    chance = Random(f"ids {seed}")

    class Dates:
        @staticmethod
        def now(zone: tzinfo | None = None) -> datetime:
            return datetime.fromtimestamp(wall.time(), zone)

    def uuid7() -> UUID:
        bits = int(wall.time() * 1000) << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62)
        return UUID(int=bits)

    vars(shared.clock)["datetime"] = Dates
    vars(shared.ids)["uuid7"] = uuid7
    vars(shared.service)["Database"] = InlineDatabase
    vars(timer)["LOOK_EVERY_S_MAX"] = TIMER_LOOKS_EVERY_S
    vars(relay)["LOOK_EVERY_S"] = RELAYS_LOOK_EVERY_S
    # The client reads its own version from its package's files again for each connection.
    vars(redis.utils)["get_lib_version"] = lambda: redis.__version__
    InlineDatabase.chance = Random(f"store {seed}")
    time.monotonic = loop.time
    time.time = wall.time
