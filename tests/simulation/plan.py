"""What is to happen in one run: which visits are made, and what strikes when. Drawn from a seed, kept as JSON."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any, Self

from services import SERVICES
from shared.failpoints import FAILPOINTS

VISITS_MAX = 14
FAULTS_MAX = 8
DAYS_PASS_SHARE = 0.1
LASTS_S = 3.0
"""Virtual seconds in which faults begin; each is over a few seconds later."""
CRASH_POINTS = tuple(
    point for point in FAILPOINTS if point.partition(".")[0] not in ("vault", "dead-letter", "replay", "rebuild")
)
"""Those that a house passes while visits are made. The others are visited by the crash tests of processes."""


@dataclass(frozen=True)
class Fault:
    """`who`: a service, a crash point or a key. `much`: hits, jumps in seconds, days, entries, shares; by its kind."""

    kind: str
    at_s: float
    who: str = ""
    for_s: float = 0.0
    much: float = 0.0


@dataclass(frozen=True)
class Plan:
    """`visits` are numbers: what each is like is drawn from the seed and its number, whichever others are left out."""

    seed: int
    visits: tuple[int, ...]
    faults: tuple[Fault, ...]

    def document(self) -> dict[str, Any]:
        """As JSON would have it."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Self:
        """The plan that was kept."""
        faults = tuple(Fault(**fault) for fault in document["faults"])
        return cls(document["seed"], tuple(document["visits"]), faults)

    def without(self, *, visits: tuple[int, ...] = (), faults: tuple[Fault, ...] = ()) -> Self:
        """The same with less."""
        return replace(
            self,
            visits=tuple(visit for visit in self.visits if visit not in visits),
            faults=tuple(fault for fault in self.faults if fault not in faults),
        )


def draw(seed: int) -> Plan:
    """The plan of a seed. Each seed uses only some of the kinds: what strikes alone shows other things."""
    chance = Random(f"plan {seed}")
    kinds = [*chance.sample(sorted(KINDS), chance.randint(1, 4)), *["crash"] * chance.randint(0, 2)]
    faults = [_fault(chance, chance.choice(kinds)) for _ in range(chance.randint(2, FAULTS_MAX))]
    if chance.random() < DAYS_PASS_SHARE:
        # What deadlines ask for is a stage of its own: only now is there something to die in.
        faults += [_fault(chance, "days pass") for _ in range(chance.randint(1, 3))]
        faults += [_at("timer.before-step", chance), _at("timer.after-step", chance)][: chance.randint(0, 2)]
    if "left behind" in kinds:
        faults.append(_at("relay.before-restart", chance))
    return Plan(seed, tuple(range(chance.randint(4, VISITS_MAX))), tuple(sorted(faults, key=lambda one: one.at_s)))


def _fault(chance: Random, kind: str) -> Fault:
    at_s = round(chance.uniform(0.0, LASTS_S), 3)
    return replace(KINDS.get(kind, _days_pass)(chance), kind=kind, at_s=at_s)


def _of_a_service(longest_s: float) -> Callable[[Random], Fault]:
    return lambda chance: Fault("", 0, chance.choice(SERVICES), round(chance.uniform(0.0, longest_s), 3))


def _for_a_while(longest_s: float) -> Callable[[Random], Fault]:
    return lambda chance: Fault("", 0, "", round(chance.uniform(0.1, longest_s), 3))


def _at_a_point(chance: Random) -> Fault:
    point = chance.choice(CRASH_POINTS)
    return Fault("", 0, point, round(chance.uniform(0.0, 2.0), 3), chance.randint(1, 2))


def _at(point: str, chance: Random) -> Fault:
    return Fault("crash", 0, point, 0.5, chance.randint(1, 2))


def _days_pass(chance: Random) -> Fault:
    return Fault("", 0, "", 0, chance.choice((4, 6, 9)))


def _bus_goes(chance: Random) -> Fault:
    what = chance.choice(("empty", "older", "same"))
    return Fault("", 0, what, round(chance.uniform(0.0, 4.0), 3), round(chance.random(), 3))


def _key(chance: Random) -> Fault:
    return Fault("", 0, chance.choice(("topic:", "queue:", "checkpoints:")), 0, round(chance.random(), 3))


def _fills(chance: Random) -> Fault:
    return Fault("", 0, "", round(chance.uniform(0.5, 4.0), 3), chance.randint(0, 6))


def _clock(chance: Random) -> Fault:
    jump_s = chance.choice((-172_800, -3_600, -1, 1, 3_600, 172_800))
    return Fault("", 0, "", 0, jump_s)


KINDS: dict[str, Callable[[Random], Fault]] = {
    "kill": _of_a_service(3.0),
    "stop": _of_a_service(2.0),
    "pause": _of_a_service(6.0),
    "twin": _of_a_service(5.0),
    "left behind": _for_a_while(5.0),
    "crash": _at_a_point,
    "disk full": _of_a_service(4.0),
    "disk error": _of_a_service(1.0),
    "bus restarts": _bus_goes,
    "bus wiped": lambda _: Fault("", 0),
    "key deleted": _key,
    "bus full": _fills,
    "lines cut": _of_a_service(0.0),
    "lines silent": _of_a_service(0.0),
    "lines slow": _for_a_while(4.0),
    "answers lost": _of_a_service(3.0),
    "clock jumps": _clock,
}
"""Each kind of fault, and how one of it is drawn."""
