"""The page on which a day that was counted on paper is entered in one go."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.intake.pages.board import CHANNEL_WORDS, Board
from services.intake.pages.desk import Desk
from services.intake.pages.tally import COUNT_MAX, SHEETS_MAX, Entered, TallyForms, entered
from services.intake.recording import NDJSON
from shared.clock import utc_now
from shared.web.pages import Asked, FieldFault, FormFaults, PageRouter, mark

_NOTHING = mark("Écrivez au moins un nombre.")
_TO_COME = mark("Choisissez un jour passé, ou aujourd’hui après l’ouverture.")
_FIRST_YEAR = 2000


def paper_router(desk: Desk) -> APIRouter:
    """`/desk/tally`: the sheet, and what became of it."""
    router, forms = PageRouter(), TallyForms(desk.catalogue)

    @router.get("/desk/tally")
    async def show(page: Asked) -> Response:
        return _show(desk, page)

    @router.post("/desk/tally")
    async def send(page: Asked) -> Response:
        try:
            form: Any = await page.form(forms.form)
        except FormFaults as faults:
            return _show(desk, page, faults=faults)
        typed = {name: str(value) for name, value in form.model_dump().items() if value is not None}
        site = desk.catalogue.site(form.site)
        if not forms.lines(form):
            return _show(desk, page, faults=FormFaults([FieldFault("sheet", _NOTHING)], typed))
        if form.day.year < _FIRST_YEAR or forms.happened_at(form, site) > utc_now():
            return _show(desk, page, faults=FormFaults([FieldFault("day", _TO_COME)], typed))
        answer = await desk.recording.batch(forms.batch(form, site), {b"content-type": NDJSON.encode()})
        # Shown at once and not after a redirect: what was counted is not kept anywhere else.
        return _show(desk, page, result=entered(answer.body), day=form.day, typed=typed)

    return router


def _show(
    desk: Desk,
    page: Asked,
    *,
    faults: FormFaults | None = None,
    result: Entered | None = None,
    day: Any = None,
    typed: Any = None,
) -> Response:
    board = Board(desk.catalogue, desk.site(None), page.language, utc_now())
    return page.render(
        "tally.html",
        422 if faults else 200,
        faults=faults,
        typed=faults.typed if faults else typed or {},
        result=result,
        day=day,
        site=board.site,
        sites=desk.catalogue.sites,
        categories=[(one.code, one.label, one.on_the_spot) for one in board.categories()],
        channels=CHANNEL_WORDS,
        today=board.now.date().isoformat(),
        count_max=COUNT_MAX,
        sheets_max=SHEETS_MAX,
    )
