"""The read side: a visit and a case, folded from their events, with what became of each request."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from services.intake.corrections.visits import Visit, visits_of
from services.intake.decider import CASE, Case, ClosedCase, MergedCase, NoCase, OpenCase, case_stream
from services.intake.tables import VISIT_REFERRALS
from shared.access.scope import Scope
from shared.database import Database
from shared.envelope import Envelope, decode
from shared.events.intake import CaseOpened, RequestMade, VisitCorrected, VisitRecorded, VisitVoided
from shared.execute import state_of
from shared.log import Log

_STATUS = {OpenCase: "open", ClosedCase: "closed", MergedCase: "merged"}


class ReferralView(BaseModel):
    """One referral of a request, as last heard."""

    referral_id: str
    partner: str
    status: str
    outcome: str | None = None
    reason: str | None = None
    version: int


class RequestView(BaseModel):
    """One thing asked for, and how it went on."""

    request_id: str
    category: str
    topic: str | None = None
    partner: str | None = None
    answered: bool
    safe_to_contact: bool | None = None
    referrals: list[ReferralView]


class ChangeView(BaseModel):
    """A correction, or (`void`) the word that the visit never was: by whom, when, why, and what stood there before."""

    change: str
    recorded_at: str
    recorded_by: str | None = None
    reason: str | None = None
    site: str
    channel: str
    occurred_at: str
    language: str | None = None
    needs: list[str] = []
    children: bool = False
    requests: list[RequestView]


class VisitView(BaseModel):
    """A visit as it stands, the closed loop included. `recorded_by`: the code of who took it.

    `version` is that of its last event in the case's history; `voided_for`: it never was, and why. `changes`: what was
    put right, oldest first.
    """

    visit_id: str
    case_id: str
    site: str
    channel: str
    occurred_at: str
    recorded_at: str
    recorded_by: str | None = None
    language: str | None = None
    needs: list[str] = []
    children: bool = False
    invitation: str | None = None
    arrival_id: str | None = None
    requests: list[RequestView]
    voided_for: str | None = None
    changes: list[ChangeView] = []
    version: int
    position: int


class CaseView(BaseModel):
    """A case as it is, or as it was at a moment: `open`, `closed`, or `merged` into another.

    Its visits are also those of the cases that it absorbed. `person_id` says whom it is about; who that is, the vault.
    """

    case_id: str
    site: str
    status: str
    opened_at: str
    person_id: str | None = None
    closed_for: str | None = None
    merged_into: str | None = None
    absorbed: list[str] = []
    visits: list[VisitView]
    version: int


async def visit(
    log: Log, database: Database, scope: Scope, visit_id: str, version: int | None = None
) -> VisitView | None:
    """One visit, as it stood at a version of its own if one is named; None when there is none in this scope."""
    if not scope.reads_files:
        return None
    envelopes = [decode(entry.body) for entry in await log.read_tagged(visit_id)]
    if version is not None:
        envelopes = [envelope for envelope in envelopes if envelope.version <= version]
    views = await _views(database, envelopes)
    return views[0] if views else None


async def case(
    log: Log, database: Database, scope: Scope, case_id: str, at: datetime | None = None, *, alone: bool = False
) -> CaseView | None:
    """One case; with `at`, what had happened by then. None when there was none in this scope.

    `alone`: without what happened in the cases that it absorbed.
    """
    envelopes = await _until(log, case_id, at) if scope.reads_files else []
    state = state_of(CASE, envelopes)
    if isinstance(state, NoCase):
        return None
    opened = next(envelope for envelope in envelopes if isinstance(envelope.event, CaseOpened))
    told = envelopes if alone else [*envelopes, *await _absorbed(log, state, at)]
    return CaseView(
        case_id=case_id,
        site=opened.event.site,  # type: ignore[attr-defined]
        status=_STATUS[type(state)],
        opened_at=opened.occurred_at,
        person_id=state.person_id,
        closed_for=state.reason if isinstance(state, ClosedCase) else None,
        merged_into=state.kept if isinstance(state, MergedCase) else None,
        absorbed=[other for other, _ in _core(state).absorbed],
        visits=await _views(database, told),
        version=envelopes[-1].version,
    )


def cases_told(view: CaseView) -> list[str]:
    """Every case that something is told of in this one, as it is or was: those that it absorbed among them."""
    return [view.case_id, *view.absorbed, *dict.fromkeys(visit.case_id for visit in view.visits)]


async def _until(log: Log, case_id: str, at: datetime | None) -> list[Envelope]:
    envelopes = await log.read(case_stream(case_id))
    if at is None:
        return envelopes
    return [envelope for envelope in envelopes if datetime.fromisoformat(envelope.occurred_at) <= at]


async def _absorbed(log: Log, state: Case, at: datetime | None) -> list[Envelope]:
    """What happened in the cases that this one absorbed, and in those that they had absorbed."""
    found: list[Envelope] = []
    for other, _ in () if isinstance(state, NoCase) else _core(state).absorbed:
        envelopes = await _until(log, other, at)
        found += [*envelopes, *await _absorbed(log, state_of(CASE, envelopes), at)]
    return found


def _core(state: OpenCase | ClosedCase | MergedCase) -> OpenCase:
    return state if isinstance(state, OpenCase) else _core(state.before)


async def _views(database: Database, envelopes: Iterable[Envelope]) -> list[VisitView]:
    visits = visits_of(envelopes)
    referrals = await _referrals(database, list(visits))
    return [_view(visit, referrals) for visit in visits.values()]


def _view(visit: Visit, referrals: dict[str, list[ReferralView]]) -> VisitView:
    told, recorded = visit.told, visit.recorded
    return VisitView(
        visit_id=told.visit_id,
        case_id=told.case_id,
        site=told.site,
        channel=told.channel,
        occurred_at=visit.at,
        recorded_at=recorded.recorded_at,
        recorded_by=recorded.actor,
        language=told.language,
        needs=list(told.needs),
        children=told.children,
        invitation=told.invitation,
        arrival_id=told.arrival_id,
        requests=_requests(told, referrals),
        voided_for=visit.voided_for,
        changes=[_change(envelope, referrals) for envelope in visit.changes],
        version=visit.version,
        position=recorded.position,
    )


def _change(envelope: Envelope, referrals: dict[str, list[ReferralView]]) -> ChangeView:
    event = envelope.event
    assert isinstance(event, VisitCorrected | VisitVoided)
    return ChangeView(
        change="void" if isinstance(event, VisitVoided) else "correction",
        recorded_at=envelope.recorded_at,
        recorded_by=envelope.actor,
        reason=event.reason if isinstance(event, VisitVoided) else None,
        site=event.was.site,
        channel=event.was.channel,
        occurred_at=event.was_at,
        language=event.was.language,
        needs=list(event.was.needs),
        children=event.was.children,
        requests=_requests(event.was, referrals),
    )


def _requests(told: VisitRecorded, referrals: dict[str, list[ReferralView]]) -> list[RequestView]:
    return [_request(made, referrals.get(made.request_id, [])) for made in told.requests]


def _request(made: RequestMade, referrals: list[ReferralView]) -> RequestView:
    return RequestView(
        request_id=made.request_id,
        category=made.category,
        topic=made.topic,
        partner=made.partner,
        answered=made.answered,
        safe_to_contact=made.safe_to_contact,
        referrals=referrals,
    )


async def _referrals(database: Database, visit_ids: Sequence[str]) -> dict[str, list[ReferralView]]:
    if not visit_ids:
        return {}
    query = (
        select(VISIT_REFERRALS)
        .where(VISIT_REFERRALS.c.visit_id.in_(visit_ids))
        .order_by(VISIT_REFERRALS.c.issued_at, VISIT_REFERRALS.c.referral_id)
    )
    found: dict[str, list[ReferralView]] = {}
    for row in await database.read(lambda connection: connection.execute(query).mappings().all()):
        fields: dict[str, Any] = {name: row[name] for name in ReferralView.model_fields}
        found.setdefault(row["request_id"], []).append(ReferralView(**fields))
    return found
