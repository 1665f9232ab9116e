"""The page on which somebody at the desk says why a sealed case has to be read, and goes on to where they were."""

from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from services.intake.refusals import CaseNotSealed
from services.intake.refused import refusals_told
from services.intake.seals.routes import REASON_LETTERS_MAX, OpeningForm
from services.intake.seals.sealed import OPEN_FOR, Seals
from shared.access.sign_in_address import target
from shared.settings import Settings
from shared.web.pages import Asked, FormFaults, Page, PageRouter
from shared.web.pages.forms import fields_sent

PATH_LETTERS_MAX = 1_000


class OpeningPageForm(OpeningForm):
    """Why, and where to go on."""

    next: Annotated[str, Field(max_length=PATH_LETTERS_MAX)] = "/desk"


def address_of(case_id: str, back: str) -> str:
    """The page that asks why; `back` = the path to go on to."""
    return f"/cases/{case_id}/opening/page?next={quote(back)}"


def opening_page(seals: Seals, settings: Settings) -> APIRouter:
    """`/cases/{case_id}/opening/page`: the question, and what its form does."""
    router, path = PageRouter(), "/cases/{case_id}/opening/page"

    @router.get(path)
    async def ask(
        page: Asked, case_id: str, back: Annotated[str, Query(alias="next", max_length=PATH_LETTERS_MAX)] = "/desk"
    ) -> Response:
        return _ask(page, case_id, back)

    @router.post(path)
    async def answer(page: Asked, case_id: str) -> Response:
        try:
            form = await page.form(OpeningPageForm)
        except FormFaults as faults:
            return _ask(page, case_id, str(faults.typed.get("next", "/desk")), faults)
        # What is not sealed (any more) is open.
        with refusals_told(), suppress(CaseNotSealed):
            await seals.open(case_id, form.reason)
        return page.redirect(target(settings, page.request, "intake", form.next))

    return router


async def kept(page: Page, case_id: str, back: str) -> Response:
    """A form came for a case that is sealed: it waits here, whole, to be sent again once the case is open."""
    return page.render(
        "sealed_meanwhile.html",
        403,
        opening=address_of(case_id, back),
        address=page.path,
        fields=await fields_sent(page.request),
    )


def _ask(page: Page, case_id: str, back: str, faults: FormFaults | None = None) -> Response:
    typed: Any = faults.typed if faults else {}
    return page.render(
        "opening.html",
        422 if faults else 200,
        faults=faults,
        case_id=case_id,
        back=back,
        typed=typed.get("reason", ""),
        letters_max=REASON_LETTERS_MAX,
        minutes=int(OPEN_FOR.total_seconds() // 60),
    )
