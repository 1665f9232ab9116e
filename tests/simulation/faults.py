"""What strikes, and the end of it. A fault counts as tried only where it met something: `struck`."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

from services.referral import timer
from shared import failpoints
from shared.relay.readers import SILENCE_S_MAX
from tests.simulation.bus import Contents
from tests.simulation.loop import VirtualLoop, current_process
from tests.simulation.plan import Fault, Plan
from tests.simulation.premises import RESTART_S, House, Running
from tests.simulation.wires import Network

KEPT_EVERY_S = 0.7
"""How often the server writes down what it holds: what a rollback goes back to."""


class Nemesis:
    """Carries out the faults of a plan."""

    def __init__(self, loop: VirtualLoop, house: House, network: Network, wall: "Wall", plan: Plan) -> None:
        self._loop, self._house, self._network, self._wall, self._plan = loop, house, network, wall, plan
        self.struck: Counter[str] = Counter()
        self._kept: list[Contents] = [Contents()]
        self._armed: dict[str, list[tuple[int, float]]] = {}
        self.all_acknowledged = asyncio.Event()
        self._passing = asyncio.Lock()

    async def strike(self) -> None:
        """All faults of the plan, each at its time; returns when the last is over and every service is up again."""
        keeping = asyncio.ensure_future(self._keep())
        failpoints._target = _EveryPoint(self._reached)
        await asyncio.gather(*(self._one(fault) for fault in self._plan.faults))
        failpoints.arm("")
        keeping.cancel()

    async def _one(self, fault: Fault) -> None:
        await asyncio.sleep(fault.at_s)
        await getattr(self, "_" + fault.kind.replace(" ", "_"))(fault)

    def _hit(self, kind: str, times: int = 1) -> None:
        self.struck[kind] += times

    async def _down(self, running: Running, name: str, for_s: float) -> None:
        self._house.kill(running)
        await self._up_again(name, for_s)

    async def _up_again(self, name: str, for_s: float) -> None:
        if self._house.lives[name]:
            return
        await asyncio.sleep(RESTART_S + for_s)
        if not self._house.lives[name]:
            self._house.start(name)

    async def _kill(self, fault: Fault) -> None:
        if running := self._house.youngest(fault.who):
            self._hit(f"kill {fault.who}")
            await self._down(running, fault.who, fault.for_s)

    async def _stop(self, fault: Fault) -> None:
        if running := self._house.youngest(fault.who):
            self._hit("stop")
            await self._house.stop(running)
            await self._up_again(fault.who, fault.for_s)

    async def _pause(self, fault: Fault) -> None:
        if running := self._house.youngest(fault.who):
            self._hit("pause")
            running.process.pause()
            await asyncio.sleep(fault.for_s)
            running.process.resume(self._loop)

    async def _left_behind(self, fault: Fault) -> None:
        """Stats sleeps for so long that the topic is no longer kept for it."""
        if running := self._house.youngest("stats"):
            self._hit("left behind")
            running.process.pause()
            self._wall.ahead_s += SILENCE_S_MAX + 1
            await asyncio.sleep(fault.for_s)
            running.process.resume(self._loop)

    async def _twin(self, fault: Fault) -> None:
        """A second process of a service, on the same database, beside one that does not know of it."""
        if running := self._house.youngest(fault.who):
            self._hit("twin")
            self._house.start(fault.who)
            await asyncio.sleep(fault.for_s)
            self._house.kill(running)
            await self._up_again(fault.who, 0)

    async def _crash(self, fault: Fault) -> None:
        """The next process that comes to this point for so many times dies there."""
        self._armed.setdefault(fault.who, []).append((int(fault.much), fault.for_s))

    def _reached(self, name: str) -> None:
        armed, process = self._armed.get(name), current_process()
        if not armed or process is None or process.is_dead:
            return
        hits, for_s = armed[0]
        if hits > 1:
            armed[0] = hits - 1, for_s
            return
        armed.pop(0)
        self._hit(f"crash {name}")
        service = process.name.partition("-")[0]
        running = next(one for one in self._house.lives[service] if one.process is process)
        again = self._up_again(service, for_s)
        self._loop.call_later(RESTART_S, lambda: self._loop.create_task(again), context=self._network.world)
        running.database.die()

    async def _disk_full(self, fault: Fault) -> None:
        await self._on_disk(fault, "is_full")

    async def _disk_error(self, fault: Fault) -> None:
        await self._on_disk(fault, "is_broken")

    async def _on_disk(self, fault: Fault, what: str) -> None:
        if running := self._house.youngest(fault.who):
            before = running.database.refused
            setattr(running.database, what, True)
            await asyncio.sleep(fault.for_s)
            setattr(running.database, what, False)
            self._hit(fault.kind, running.database.refused > before)

    async def _bus_restarts(self, fault: Fault) -> None:
        """With what it holds, with what it held some time ago, or with nothing."""
        contents = self._network.bus.contents
        if fault.who == "older":
            contents = self._kept[int(fault.much * (len(self._kept) - 1))]
        elif fault.who == "empty":
            contents = Contents()
        self._hit(f"bus restarts {fault.who}")
        self._network.stop()
        await asyncio.sleep(fault.for_s)
        self._network.bus.restart(contents)
        self._network.start()

    async def _bus_wiped(self, _fault: Fault) -> None:
        self._hit("bus wiped")
        self._network.bus.answer([b"FLUSHALL"])

    async def _key_deleted(self, fault: Fault) -> None:
        held = self._network.bus.contents
        keys = sorted(key for key in (*held.streams, *held.hashes) if key.startswith(fault.who.encode()))
        if keys:
            self._hit("key deleted")
            self._network.bus.answer([b"DEL", keys[int(fault.much * (len(keys) - 1))]])

    async def _bus_full(self, fault: Fault) -> None:
        bus = self._network.bus
        before = bus.refused_full
        bus.entries_max = int(fault.much)
        await asyncio.sleep(fault.for_s)
        bus.entries_max = None
        self._hit("bus full", bus.refused_full > before)

    async def _lines_cut(self, fault: Fault) -> None:
        self._hit("lines cut", self._network.cut(self._lines(fault.who)) > 0)

    async def _lines_silent(self, fault: Fault) -> None:
        """Half open: what is sent on them is lost, and nobody is told."""
        for line in self._lines(fault.who):
            line.is_silent = True
            self._hit("lines silent")

    def _lines(self, service: str) -> list[Any]:
        return [one for one in self._network.lines if one.process and one.process.name.startswith(service)]

    async def _lines_slow(self, fault: Fault) -> None:
        self._hit("lines slow")
        self._network.is_slow = True
        await asyncio.sleep(fault.for_s)
        self._network.is_slow = False

    async def _answers_lost(self, fault: Fault) -> None:
        before = self._house.answers_lost
        self._house.loses_answers[fault.who] += 1
        await asyncio.sleep(fault.for_s)
        self._house.loses_answers[fault.who] -= 1
        self._hit("answers lost", self._house.answers_lost > before)

    async def _clock_jumps(self, fault: Fault) -> None:
        self._hit("clock jumps")
        self._wall.ahead_s += fault.much

    async def _days_pass(self, fault: Fault) -> None:
        """Deadlines pass, one after the other, and the timer acts. Nobody sends a visit again after so long a time."""
        await self.all_acknowledged.wait()
        async with self._passing:
            self._hit("days pass")
            self._wall.ahead_s += fault.much * 86_400
            await asyncio.sleep(timer.LOOK_EVERY_S_MAX + 1)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEPT_EVERY_S)
            self._kept.append(self._network.bus.contents.copied())


class _EveryPoint(str):  # noqa: SLOT000 - it carries whom to tell
    """Armed in place of one crash point's name: whatever is compared with it is told of, and nobody is killed."""

    _reached: Callable[[str], None]

    def __new__(cls, reached: Callable[[str], None]) -> Self:
        armed = super().__new__(cls, "every point")
        armed._reached = reached
        return armed

    def __eq__(self, name: object) -> bool:
        self._reached(str(name))
        return False

    __hash__ = str.__hash__


class Wall:
    """The wall clock: the loop's, and however far somebody has set it."""

    def __init__(self, now_s: Callable[[], float], began_s: float) -> None:
        self._now_s = now_s
        self.ahead_s = began_s

    def time(self) -> float:
        """Seconds since 1970."""
        return self.ahead_s + self._now_s()
