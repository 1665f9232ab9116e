"""The rules of a case: what may be recorded on it, when it is closed, and how two become one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.intake.commands import (
    AttachPerson,
    CloseCase,
    Command,
    RecordVisit,
    ReopenCase,
    SealCase,
    UnsealCase,
)
from services.intake.refusals import (
    CaseAlreadyOpen,
    CaseClosedAlready,
    CaseKnowsPerson,
    CaseMergedAway,
    CaseNotMerged,
    CaseNotSealed,
    CaseSealedAlready,
    CaseUnknown,
    PeopleDiffer,
    SameCase,
)
from shared.decider import Decider
from shared.events import IntakeEvent
from shared.events.intake import (
    CaseClosed,
    CaseOpened,
    CaseReopened,
    CaseSealed,
    CasesMerged,
    CasesUnmerged,
    CaseUnsealed,
    PersonAttached,
    VisitRecorded,
    VisitVoided,
)

__all__ = [
    "CASE",
    "Case",
    "CaseUnknown",
    "ClosedCase",
    "MergedCase",
    "NoCase",
    "OpenCase",
    "case_stream",
    "decide",
    "evolve",
    "merge",
    "unmerge",
]


@dataclass(frozen=True)
class NoCase:
    """Nothing was ever recorded."""


@dataclass(frozen=True)
class OpenCase:
    """A history that goes on. `absorbed`: case id -> whom it was about, of each that is now read as a part of it."""

    case_id: str
    visits: int
    site: str = field(default="", compare=False)
    own_person: str | None = None
    sealed: bool = False
    absorbed: tuple[tuple[str, str | None], ...] = ()

    @property
    def person_id(self) -> str | None:
        """Whom it is about, by its own history or by one that it absorbed."""
        return self.own_person or next((person for _, person in self.absorbed if person), None)


@dataclass(frozen=True)
class ClosedCase:
    """A history of which nothing more is expected."""

    before: OpenCase
    reason: str

    @property
    def person_id(self) -> str | None:
        """Whom it is about."""
        return self.before.person_id


@dataclass(frozen=True)
class MergedCase:
    """A history that is read as a part of another case's."""

    before: OpenCase | ClosedCase
    kept: str

    @property
    def person_id(self) -> str | None:
        """Whom it was about when it was merged."""
        return self.before.person_id


Case = NoCase | OpenCase | ClosedCase | MergedCase


def decide(command: Command, state: Case) -> Sequence[IntakeEvent]:
    """What a command means for a case. Raises a refusal of `refusals.py`."""
    match command, state:
        case RecordVisit(opens_case=True), NoCase():
            return [CaseOpened(command.case_id, command.site), _visit(command)]
        case _, NoCase():
            raise CaseUnknown(command.case_id)
        case _, MergedCase(kept=kept):
            raise CaseMergedAway(command.case_id, kept)
        case RecordVisit(), OpenCase():
            return [_visit(command)]
        case AttachPerson(case_id, person_id), OpenCase() | ClosedCase():
            if state.person_id is not None:
                raise CaseKnowsPerson(case_id)
            return [PersonAttached(case_id, person_id)]
        case CloseCase(case_id, reason), OpenCase(site=site):
            return [CaseClosed(case_id, site, reason)]
        case SealCase() | UnsealCase(), OpenCase() | ClosedCase():
            return [_sealed(command, _core(state))]
        case ReopenCase(), OpenCase() | ClosedCase():
            return [_reopened(state)]
    raise CaseClosedAlready(command.case_id)


def merge(kept: Case, absorbed: Case) -> CasesMerged:
    """The event that makes two cases one. Raises a refusal: both must be there and stand for themselves."""
    kept = _standing(kept)
    if isinstance(kept, ClosedCase):
        raise CaseClosedAlready(kept.before.case_id)
    absorbed = _standing(absorbed)
    absorbed_id = _case_id(absorbed)
    if kept.case_id == absorbed_id:
        raise SameCase(absorbed_id)
    if kept.person_id and absorbed.person_id and kept.person_id != absorbed.person_id:
        raise PeopleDiffer(kept.case_id, absorbed_id)
    return CasesMerged(kept.case_id, absorbed_id, absorbed.person_id)


def unmerge(absorbed: Case) -> CasesUnmerged:
    """The event that takes a merge back. Raises a refusal."""
    if isinstance(absorbed, NoCase):
        raise CaseUnknown
    if not isinstance(absorbed, MergedCase):
        raise CaseNotMerged(_case_id(absorbed))
    return CasesUnmerged(absorbed.kept, _case_id(absorbed))


def evolve(state: Case, event: IntakeEvent) -> Case:
    """The case after an event."""
    match event, state:
        case CaseOpened(case_id=case_id, site=site), _:
            return OpenCase(case_id, 0, site)
        case _, NoCase():
            return state
        case CasesMerged(kept=kept, absorbed=absorbed), OpenCase() | ClosedCase() if absorbed == _case_id(state):
            return MergedCase(state, kept)
        case CasesUnmerged(absorbed=absorbed), MergedCase(before=before) if absorbed == _case_id(state):
            return before
        case CaseClosed(reason=reason), OpenCase():
            return ClosedCase(state, reason)
        case CaseReopened(), ClosedCase(before=before):
            return before
        case _, OpenCase():
            return _evolved(state, event)
        case _, ClosedCase(before=before):
            return replace(state, before=_evolved(before, event))
    # What is left happens to a case inside a merged one: a case that it absorbed may be taken out again.
    assert isinstance(state, MergedCase)
    inside = evolve(state.before, event)
    return replace(state, before=inside) if isinstance(inside, OpenCase | ClosedCase) else state


def _evolved(state: OpenCase, event: IntakeEvent) -> OpenCase:
    match event:
        case VisitRecorded():
            return replace(state, visits=state.visits + 1)
        case VisitVoided():
            return replace(state, visits=state.visits - 1)
        case PersonAttached(person_id=person_id):
            return replace(state, own_person=person_id)
        case CaseSealed() | CaseUnsealed():
            return replace(state, sealed=isinstance(event, CaseSealed))
        case CasesMerged(kept=kept, absorbed=absorbed, person_id=person_id) if kept == state.case_id:
            return replace(state, absorbed=(*state.absorbed, (absorbed, person_id)))
        case CasesUnmerged(kept=kept, absorbed=absorbed) if kept == state.case_id:
            return replace(state, absorbed=tuple(each for each in state.absorbed if each[0] != absorbed))
    return state


def _visit(command: RecordVisit) -> VisitRecorded:
    return VisitRecorded(
        command.visit_id,
        command.case_id,
        command.site,
        command.channel,
        command.requests,
        command.language,
        command.needs,
        command.children,
        command.invitation[0] if command.invitation else None,
        command.arrival_id,
    )


def _reopened(state: OpenCase | ClosedCase) -> CaseReopened:
    if isinstance(state, OpenCase):
        raise CaseAlreadyOpen(state.case_id)
    return CaseReopened(state.before.case_id, state.before.site)


def _sealed(command: SealCase | UnsealCase, state: OpenCase) -> CaseSealed | CaseUnsealed:
    if isinstance(command, UnsealCase):
        if not state.sealed:
            raise CaseNotSealed(state.case_id)
        return CaseUnsealed(state.case_id, state.site)
    if state.sealed:
        raise CaseSealedAlready(state.case_id)
    return CaseSealed(state.case_id, state.site, command.ground)


def _core(state: OpenCase | ClosedCase) -> OpenCase:
    return state.before if isinstance(state, ClosedCase) else state


def _standing(state: Case) -> OpenCase | ClosedCase:
    if isinstance(state, NoCase):
        raise CaseUnknown
    if isinstance(state, MergedCase):
        raise CaseMergedAway(_case_id(state), state.kept)
    return state


def _case_id(state: OpenCase | ClosedCase | MergedCase) -> str:
    return state.case_id if isinstance(state, OpenCase) else _case_id(state.before)


CASE: Decider[Command, Case, IntakeEvent] = Decider(NoCase(), decide, evolve)


def case_stream(case_id: str) -> str:
    """The stream of a case."""
    return f"case-{case_id}"
