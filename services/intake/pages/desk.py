"""The page on which the desk records visits. Without any script it is one form; with it, it goes on without network."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.intake import queries
from services.intake.pages.board import CHANNEL_WORDS, Board
from services.intake.pages.directing import directed
from services.intake.pages.visit_form import Chosen, DeskForms, visit_body
from services.intake.plain_forms import UUID
from services.intake.recording import Recording
from services.intake.today import Today
from shared.access.acting import acting
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.ids import new_id
from shared.log import Log
from shared.web.pages import Asked, FieldFault, FormFaults, PageRouter, mark
from shared.web.problems import invalid, not_found

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

    async def visit(self, visit_id: str) -> queries.VisitView:
        """A visit. Raises the 404 problem."""
        found = await queries.visit(self.log, self.database, visit_id)
        if found is None:
            raise not_found("visit")
        return found


def desk_router(desk: Desk) -> APIRouter:
    """`/desk`: the form, and what was recorded by it last."""
    router, forms = PageRouter(), DeskForms(desk.catalogue)

    @router.get("/desk")
    async def show(page: Asked, done: _VisitId | None = None, site: str | None = None) -> Response:
        return await _show(desk, page, desk.site(site), done=done)

    @router.post("/desk")
    async def send(page: Asked) -> Response:
        try:
            form: Any = await page.form(forms.form)
        except FormFaults as faults:
            site = str(faults.typed.get("site"))
            known = site if site in desk.catalogue.sites_by_code else desk.site(None)
            return await _show(desk, page, known, faults=faults)
        requests = forms.requests(form)
        if form.remove is not None:
            return await _show(desk, page, form.site, [one for n, one in enumerate(requests) if n != form.remove])
        if form.action == "add" and form.category is not None:
            return await _show(desk, page, form.site, requests, channel=form.channel)
        if not requests or form.action == "add":
            return await _show(desk, page, form.site, requests, channel=form.channel, faults=_NO_CATEGORY)
        visit_id = await desk.record(visit_body(form.site, form.channel, requests), form.key)
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
) -> Response:
    now = utc_now()
    board = Board(desk.catalogue, site, page.language, now)
    visits = await desk.today.visits(site, board.now.date())
    recorded = await desk.visit(done) if done else None
    told = [directed(desk.catalogue, site, one, now) for one in recorded.requests] if recorded else []
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
        count=len(visits),
        count_requests=sum(len(visit.requests) for visit in visits),
    )
