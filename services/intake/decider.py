"""The rules of a case: what may be recorded on it, and what it is after that."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.intake.commands import Command
from shared.decider import Decider, Refusal
from shared.events import IntakeEvent
from shared.events.intake import CaseOpened, VisitRecorded


@dataclass(frozen=True)
class NoCase:
    """Nothing was ever recorded."""


@dataclass(frozen=True)
class OpenCase:
    """A history that goes on."""

    case_id: str
    visits: int


Case = NoCase | OpenCase


class CaseUnknown(Refusal):
    """The visit is said to belong to a case that does not exist."""

    def __init__(self, case_id: str) -> None:
        super().__init__(case_id)
        self.case_id = case_id


def decide(command: Command, state: Case) -> Sequence[IntakeEvent]:
    """A visit joins its case; the first visit of somebody unknown opens one. Refuses with `CaseUnknown`."""
    visit = VisitRecorded(command.visit_id, command.case_id, command.site, command.channel, command.requests)
    match state:
        case NoCase() if command.opens_case:
            return [CaseOpened(command.case_id, command.site), visit]
        case NoCase():
            raise CaseUnknown(command.case_id)
        case OpenCase():
            return [visit]


def evolve(state: Case, event: IntakeEvent) -> Case:
    """The case after an event."""
    match event, state:
        case CaseOpened(case_id=case_id), _:
            return OpenCase(case_id, visits=0)
        case VisitRecorded(), OpenCase(case_id, visits):
            return OpenCase(case_id, visits + 1)
        case _:
            return state


CASE: Decider[Command, Case, IntakeEvent] = Decider(NoCase(), decide, evolve)


def case_stream(case_id: str) -> str:
    """The stream of a case."""
    return f"case-{case_id}"
