"""The waiting room and invitations: what was taken back stood there, and what belongs to no visit is good no longer."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tests.auditing.corrections import standing
from tests.auditing.finding import Finding
from tests.auditing.stored import ARRIVED, ENDED, GIVEN, UNDONE, USED, WITHDRAWN, Stored


class Arrival(NamedTuple):
    """Somebody as the log leaves them; `minutes` of a wait that is over."""

    status: str
    minutes: int = 0


_WAITS = ((40, "40+"), (20, "20-39"), (10, "10-19"), (5, "05-09"), (0, "00-04"))


def arrivals_of(intake: Sequence[Stored]) -> dict[str, Arrival]:
    """Everybody who came, by id."""
    return {arrival_id: state for arrival_id, state, _ in _steps(intake)}


def invitations_of(intake: Sequence[Stored]) -> dict[str, str]:
    """What each code is: `given`, `used` or `withdrawn`."""
    becomes = {GIVEN: "given", USED: "used", WITHDRAWN: "withdrawn"}
    return {event.data["invitation"]: becomes[event.type] for event in intake if event.type in becomes}


def count_front_desk(intake: Sequence[Stored]) -> Counter[str]:
    """The figures of both."""
    figures: Counter[str] = Counter()
    for status, minutes in arrivals_of(intake).values():
        if status == "void":
            continue
        figures.update(("arrivals", f"arrivals/result={status}"))
        if status != "waiting":
            figures[f"arrivals/wait={next(name for least, name in _WAITS if minutes >= least)}"] += 1
            figures["waiting"] += minutes
            figures[f"waiting/result={status}"] += minutes
    for status in invitations_of(intake).values():
        if status != "withdrawn":
            figures.update(("invitations", f"invitations/status={status}"))
    return figures


def check_front_desk(intake: Sequence[Stored]) -> Iterator[Finding]:
    """Each move begins where the one before ended, and an invitation that is good is said so by its visit."""
    for arrival_id, _, fault in _steps(intake):
        if fault:
            yield Finding("moved from where it was not", arrival_id)
    said = {visit.visit_id: visit.invitation for visit in standing(intake)}
    given: Mapping[str, Any] = {event.data["invitation"]: event.data for event in intake if event.type == GIVEN}
    for code, status in invitations_of(intake).items():
        if status == "given" and code in given and said.get(given[code]["visit_id"]) != code:
            yield Finding("invitation of no visit", code)


def _steps(intake: Sequence[Stored]) -> Iterator[tuple[str, Arrival, bool]]:
    """Each move: whom it is about, what it makes of them, and whether it is at fault."""
    room: dict[str, Arrival] = {}
    for event in intake:
        if event.type not in (ARRIVED, UNDONE, *ENDED):
            continue
        data, arrival_id = event.data, event.data["arrival_id"]
        before = room.get(arrival_id)
        if event.type == ARRIVED:
            room[arrival_id], fault = Arrival("waiting"), before is not None
        elif event.type == UNDONE:
            stood = Arrival(data["was"], data.get("waited_min") or 0)
            becomes = data["becomes"]
            room[arrival_id] = Arrival(becomes)
            fault = before != stood or becomes not in ("waiting", "void") or becomes == data["was"]
        else:
            room[arrival_id] = Arrival(ENDED[event.type], data["waited_min"])
            fault = before != Arrival("waiting")
        yield arrival_id, room[arrival_id], fault
