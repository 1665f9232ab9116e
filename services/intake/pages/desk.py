"""The page on which the desk records visits. Without any script it is one form; with it, it goes on without network."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.intake import queries
from services.intake.case_life import case_state
from services.intake.decider import ClosedCase, MergedCase, NoCase
from services.intake.discretion import CONFIDENTIAL as UNTOLD
from services.intake.discretion import visit_told_to
from services.intake.invitations.codes import spoken
from services.intake.pages.board import CHANNEL_WORDS, NEED_WORDS, Board, other_keys
from services.intake.pages.directing import Directed, directed
from services.intake.pages.slip_words import SLIP_WORDS
from services.intake.pages.visit_form import NOTHING_SAID, Chosen, DeskForms, Said, visit_body
from services.intake.pages.waiting import THEIRS, WaitingRoomPage
from services.intake.plain_forms import UUID
from services.intake.recording import Recording
from services.intake.refusals import CaseClosedAlready, CaseMergedAway, CaseUnknown
from services.intake.refused import refusals_told
from services.intake.seals.opening_page import address_of, kept
from services.intake.seals.sealed import SLUG, CheckCase
from services.intake.today import Today
from shared.access.acting import acting, acting_scope, actor
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.ids import new_id
from shared.log import Log
from shared.web.pages import Asked, FieldFault, FormFaults, Page, PageRouter, mark
from shared.web.problems import Problem, invalid, not_found

ROWS_SHOWN = 8
_LABELS = {"category": mark("Catégorie")}
_NO_CATEGORY = FormFaults([FieldFault("category", mark("Choisissez une catégorie."))])
_VisitId = Annotated[str, Query(pattern=UUID)]


@dataclass(frozen=True)
class Desk:
    """What the pages of the desk stand on."""

    log: Log
    database: Database
    catalogue: Catalogue
    recording: Recording
    today: Today
    waiting: WaitingRoomPage
    check_case: CheckCase

    def site(self, code: str | None) -> str:
        """The site of a page: the one asked for, else that of whoever asks. Raises the 422 problem for no site."""
        if code is None:
            principal = acting()
            return principal.site if principal and principal.site else self.catalogue.default_site.code
        if code not in self.catalogue.sites_by_code:
            raise invalid([{"field": "site", "detail": "There is no such site."}])
        return code

    async def record(self, body: bytes, key: str) -> str:
        """Record a visit as `POST /visits` does: its id. Raises the problem of a refusal."""
        headers = {b"content-type": b"application/json", b"idempotency-key": key.encode()}
        answer = await self.recording.one(body, headers)
        return answer.headers["Location"].rpartition("/")[2]

    async def visit(self, visit_id: str, version: int | None = None) -> queries.VisitView:
        """A visit, now or as it stood at a version. Raises the 404 problem."""
        found = await queries.visit(self.log, self.database, acting_scope(), visit_id, version)
        if found is None:
            raise not_found("visit")
        return found

    async def may_see(self, page: Page, visit_id: str, here: str) -> queries.VisitView | Response:
        """A visit; for one of a sealed case, the way to open it and come back `here`. Raises the 404 problem.

        What others may not know of a confidential request is still in it.
        """
        visit = await self.visit(visit_id)
        try:
            if visit.recorded_by is None or visit.recorded_by != actor():
                await self.check_case(visit.case_id)
        except Problem as problem:
            if problem.slug != SLUG:
                raise
            sealed = problem.facts["case_id"]
            if page.request.method == "POST":
                return await kept(page, sealed, here)
            return page.redirect(address_of(sealed, here))
        return visit

    def directed(self, visit: queries.VisitView, at: datetime) -> list[Directed]:
        """Where to go with each request that whoever acts may know of; nowhere, from a site that was given up."""
        if visit.site not in self.catalogue.sites_by_code:
            return []
        # Where nobody says who they are, whoever has just recorded it is nobody either.
        told = visit_told_to(acting(), visit, self.catalogue) if acting() else visit
        known = (one for one in told.requests if one.category != UNTOLD)
        return [directed(self.catalogue, visit.site, one, at) for one in known]

    async def open_case(self, case_id: str) -> str:
        """The case that a visit is to go into. Raises the 404 problem, or the refusal of one that takes none."""
        state = await case_state(self.log, case_id)
        with refusals_told():
            if isinstance(state, NoCase):
                raise CaseUnknown(case_id)
            if isinstance(state, ClosedCase):
                raise CaseClosedAlready(case_id)
            if isinstance(state, MergedCase):
                raise CaseMergedAway(case_id, state.kept)
        return case_id


def desk_router(desk: Desk) -> APIRouter:
    """`/desk`: the form, and what was recorded by it last."""
    router, forms = PageRouter(), DeskForms(desk.catalogue)

    @router.get("/desk")
    async def show(
        page: Asked,
        done: _VisitId | None = None,
        site: str | None = None,
        arrival: _VisitId | None = None,
        case: _VisitId | None = None,
    ) -> Response:
        said = Said(arrival=arrival, case=await desk.open_case(case) if case else None)
        return await _show(desk, page, desk.site(site), done=done, said=said)

    @router.post("/desk")
    async def send(page: Asked) -> Response:
        try:
            form: Any = await page.form(forms.form)
        except FormFaults as faults:
            site = str(faults.typed.get("site"))
            known = site if site in desk.catalogue.sites_by_code else desk.site(None)
            return await _show(desk, page, known, faults=faults)
        requests, said = forms.requests(form), forms.said(form)
        if form.remove is not None:
            left = [one for n, one in enumerate(requests) if n != form.remove]
            return await _show(desk, page, form.site, left, said=said)
        if form.action == "add" and form.category is not None:
            return await _show(desk, page, form.site, requests, channel=form.channel, said=said)
        if not requests or form.action == "add":
            return await _show(desk, page, form.site, requests, channel=form.channel, faults=_NO_CATEGORY, said=said)
        visit_id = await desk.record(visit_body(form.site, form.channel, requests, said=said), form.key)
        own_site = "" if form.site == desk.catalogue.default_site.code else f"&site={form.site}"
        return page.redirect(f"/desk?done={visit_id}{own_site}")

    return router


async def _show(
    desk: Desk,
    page: Asked,
    site: str,
    requests: list[Chosen] | None = None,
    *,
    channel: str = "in_person",
    faults: FormFaults | None = None,
    done: str | None = None,
    said: Said = NOTHING_SAID,
) -> Response:
    now = utc_now()
    board = Board(desk.catalogue, site, page.language, now)
    visits = await desk.today.visits(acting_scope(), site, board.now.date())
    recorded = await desk.may_see(page, done, f"/desk?done={done}") if done else None
    if isinstance(recorded, Response):
        return recorded
    told = desk.directed(recorded, now) if recorded else []
    receiving = await desk.waiting.named(said.arrival)
    if receiving is None or receiving.visits:
        # A number has its visit: another one is told so, and is nobody's of the room.
        said = said._replace(arrival=None)
    return page.render(
        "desk.html",
        422 if faults else 200,
        faults=faults,
        labels=_LABELS,
        site=board.site,
        sites=desk.catalogue.sites,
        categories=board.categories(),
        channels=CHANNEL_WORDS,
        channel=channel,
        chosen=board.chosen(requests or []),
        key=new_id(),
        now=now.isoformat(),
        now_here=board.now,
        done=recorded.visit_id if recorded else None,
        told=board.told(told),
        prints=any(one.places and not one.is_confidential for one in told),
        visits=board.rows(visits[:ROWS_SHOWN]),
        last=await desk.today.last(acting_scope(), site),
        count=sum(not visit.is_void for visit in visits),
        said=said,
        receiving=receiving,
        theirs=THEIRS,
        doubled=await desk.waiting.named(recorded.arrival_id, recorded.visit_id) if recorded else None,
        spoken_languages=board.languages(await desk.today.languages(acting_scope())),
        needs=NEED_WORDS,
        keys=other_keys(desk.catalogue),
        invites=desk.catalogue.partners_by_code[desk.catalogue.invites_to].name if desk.catalogue.invites_to else "",
        invitation=spoken(recorded.invitation) if recorded and recorded.invitation else "",
        visitor=recorded.language if recorded and recorded.language in SLIP_WORDS else "fr",
        **await desk.waiting.facts(site),
        count_requests=sum(len(visit.requests) for visit in visits if not visit.is_void),
    )
