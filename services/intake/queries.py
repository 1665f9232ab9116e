"""The read side: a visit and a case, folded from their events, with what became of each request."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select

from services.intake.decider import CASE, Case, ClosedCase, MergedCase, NoCase, OpenCase, case_stream
from services.intake.tables import VISIT_REFERRALS
from shared.database import Database
from shared.envelope import Envelope, decode
from shared.events.intake import CaseOpened, RequestMade, VisitRecorded
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


class VisitView(BaseModel):
    """A visit, the closed loop included. `version` is the case's, `recorded_by` the code of who took it."""

    visit_id: str
    case_id: str
    site: str
    channel: str
    occurred_at: str
    recorded_at: str
    recorded_by: str | None = None
    requests: list[RequestView]
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


async def visit(log: Log, database: Database, visit_id: str) -> VisitView | None:
    """One visit; None when there is none of that id."""
    envelopes = [decode(entry.body) for entry in await log.read_tagged(visit_id)]
    views = await _views(database, envelopes)
    return views[0] if views else None


async def case(
    log: Log, database: Database, case_id: str, at: datetime | None = None, *, alone: bool = False
) -> CaseView | None:
    """One case; with `at`, what had happened by then. None when there was none.

    `alone`: without what happened in the cases that it absorbed.
    """
    envelopes = await _until(log, case_id, at)
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
    recorded = [(envelope, event) for envelope in envelopes if isinstance(event := envelope.event, VisitRecorded)]
    referrals = await _referrals(database, [event.visit_id for _, event in recorded])
    return [_view(envelope, event, referrals) for envelope, event in recorded]


def _view(envelope: Envelope, event: VisitRecorded, referrals: dict[str, list[ReferralView]]) -> VisitView:
    return VisitView(
        visit_id=event.visit_id,
        case_id=event.case_id,
        site=event.site,
        channel=event.channel,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        recorded_by=envelope.actor,
        requests=[_request(made, referrals.get(made.request_id, [])) for made in event.requests],
        version=envelope.version,
        position=envelope.position,
    )


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
