"""The rules of a waiting room, one site on one day: numbers without a gap, nobody received or gone twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from shared.decider import Decider, Refusal
from shared.events.desk import ArrivalUndone, VisitorArrived, VisitorLeft, VisitorReceived
from shared.events.intake import IntakeEvent

WAITING, RECEIVED, LEFT, VOID = "waiting", "received", "left", "void"


@dataclass(frozen=True, slots=True)
class NoteArrival:
    """Somebody came. `at` (RFC 3339) carries the site's offset."""

    arrival_id: str
    site: str
    at: str


@dataclass(frozen=True, slots=True)
class ReceiveVisitor:
    """The one who waits is received now. `expected` = the arrival's version that the asker decided on."""

    arrival_id: str
    at: str
    expected: int


@dataclass(frozen=True, slots=True)
class LetVisitorGo:
    """The one who waited is gone. `expected` = the arrival's version that the asker decided on."""

    arrival_id: str
    at: str
    expected: int


@dataclass(frozen=True, slots=True)
class UndoMove:
    """The last move was a mistake: whoever was received or left waits again, and whoever waits never came."""

    arrival_id: str
    at: str
    expected: int


Command = NoteArrival | ReceiveVisitor | LetVisitorGo | UndoMove


@dataclass(frozen=True)
class Waiting:
    """Somebody who waits. Each kind of arrival knows its version: the number of its own events."""

    arrival_id: str
    site: str
    ticket: int
    arrived_at: str
    version: int = 1

    status: ClassVar[str] = WAITING


@dataclass(frozen=True)
class Ended:
    """Somebody who was received, or left (`status`), after whole minutes of waiting."""

    before: Waiting
    status: str
    waited_min: int

    @property
    def version(self) -> int:
        """That of the event that ended it."""
        return self.before.version + 1


@dataclass(frozen=True)
class Void:
    """Nobody came, or nobody who counts. The number stays given."""

    before: Waiting
    version: int

    status: ClassVar[str] = VOID


Arrival = Waiting | Ended | Void


@dataclass(frozen=True)
class Room:
    """Everybody who came on that day, by id, in the order in which they came."""

    arrivals: Mapping[str, Arrival] = field(default_factory=dict)

    def waiting(self) -> list[Waiting]:
        """Who waits, the longest first."""
        return [arrival for arrival in self.arrivals.values() if isinstance(arrival, Waiting)]

    def count(self, status: str) -> int:
        """How many arrivals stand there."""
        return sum(arrival.status == status for arrival in self.arrivals.values())


class ArrivalUnknown(Refusal):
    """Nobody came under that id."""


class AlreadyWaiting(Refusal):
    """Somebody came under that id before."""


class ArrivalMovedOn(Refusal):
    """The arrival is not at the version decided on: `actual` is where it stands."""

    def __init__(self, actual: int) -> None:
        super().__init__(actual)
        self.actual = actual


class NobodyWaits(Refusal):
    """Whoever it is was received, or left, before (`status`), or never came."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def decide(command: Command, state: Room) -> Sequence[IntakeEvent]:
    """What a command means for the room. Raises a refusal."""
    arrival = state.arrivals.get(command.arrival_id)
    if isinstance(command, NoteArrival):
        if arrival is not None:
            raise AlreadyWaiting
        return [VisitorArrived(command.arrival_id, command.site, len(state.arrivals) + 1, command.at)]
    if arrival is None:
        raise ArrivalUnknown
    if command.expected != arrival.version:
        raise ArrivalMovedOn(arrival.version)
    if isinstance(command, UndoMove):
        return [undone(arrival)]
    if not isinstance(arrival, Waiting):
        raise NobodyWaits(arrival.status)
    happened = VisitorReceived if isinstance(command, ReceiveVisitor) else VisitorLeft
    waited_min = minutes_between(arrival.arrived_at, command.at)
    return [happened(arrival.arrival_id, arrival.site, arrival.arrived_at[:10], waited_min)]


def undone(arrival: Arrival, becomes: str = WAITING, because: str = "mistake") -> ArrivalUndone:
    """The event that takes the last move of an arrival back. Raises `NobodyWaits` for one that never was."""
    match arrival:
        case Ended(came, status, waited_min):
            facts = (came.arrival_id, came.site, came.arrived_at[:10])
            return ArrivalUndone(*facts, status, becomes, waited_min, because)
        case Waiting(arrival_id, site, _, arrived_at):
            return ArrivalUndone(arrival_id, site, arrived_at[:10], WAITING, VOID, because=because)
    raise NobodyWaits(arrival.status)


def evolve(state: Room, event: IntakeEvent) -> Room:
    """The room after an event."""
    match event:
        case VisitorArrived(arrival_id, site, ticket, arrived_at):
            return _with(state, arrival_id, Waiting(arrival_id, site, ticket, arrived_at))
        case VisitorReceived(arrival_id=arrival_id, waited_min=waited_min):
            return _ended(state, arrival_id, RECEIVED, waited_min)
        case VisitorLeft(arrival_id=arrival_id, waited_min=waited_min):
            return _ended(state, arrival_id, LEFT, waited_min)
        case ArrivalUndone(arrival_id=arrival_id, becomes=becomes) if arrival_id in state.arrivals:
            return _with(state, arrival_id, _back(state.arrivals[arrival_id], becomes))
    return state


def minutes_between(earlier: str, later: str) -> int:
    """Whole minutes from one moment to another, both with their offsets; a clock that was put back makes them 0."""
    waited = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return max(0, int(waited.total_seconds() // 60))


def _back(arrival: Arrival, becomes: str) -> Arrival:
    came = arrival if isinstance(arrival, Waiting) else arrival.before
    version = arrival.version + 1
    return replace(came, version=version) if becomes == WAITING else Void(came, version)


def _ended(state: Room, arrival_id: str, status: str, waited_min: int) -> Room:
    arrival = state.arrivals.get(arrival_id)
    return _with(state, arrival_id, Ended(arrival, status, waited_min)) if isinstance(arrival, Waiting) else state


def _with(state: Room, arrival_id: str, arrival: Arrival) -> Room:
    return Room({**state.arrivals, arrival_id: arrival})


ROOM: Decider[Command, Room, IntakeEvent] = Decider(Room(), decide, evolve)


def room_stream(site: str, day: str) -> str:
    """The stream of a site's waiting room on a local day (`YYYY-MM-DD`)."""
    return f"waiting-{site}-{day}"
