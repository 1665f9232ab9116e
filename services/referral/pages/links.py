"""The page that a partner's link opens: what is asked, two answers, and a polite word when there is nothing to answer.

Opening it changes nothing: mail programs open links by themselves. Only its form answers.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.responses import RedirectResponse, Response

from services.referral.commands import AcceptReferral, DeclineReferral
from services.referral.links import Grant, Links, NoLink, NotWaiting, Waiting
from services.referral.pages.saying import REASONS
from services.referral.words import DeclineReason, SaidBy
from shared.catalogue import Catalogue
from shared.web.pages import Asked, FieldFault, FormFaults, Page, PageRouter, mark
from shared.web.pages.forms import posted
from shared.web.problems import Problem, from_exception

# The address is the secret: it goes into no header, no cache and no index.
SECRET: Mapping[str, str] = {
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


class Answer(BaseModel):
    """The form of the page."""

    model_config = ConfigDict(extra="forbid")

    answer: Literal["accept", "decline"]
    reason: DeclineReason | None = None

    def command(self) -> AcceptReferral | DeclineReferral:
        """What it asks for. Raises `FormFaults` for a refusal without a reason."""
        if self.answer == "accept":
            return AcceptReferral()
        if self.reason is None:
            fault = FieldFault("reason", mark("Indiquez la raison du refus."))
            raise FormFaults([fault], {"answer": self.answer})
        return DeclineReferral(self.reason.value, SaidBy.PARTNER.value)


def answer_pages(links: Links, catalogue: Catalogue) -> APIRouter:
    """The routes of `/answer/{token}`."""
    router = PageRouter()

    @router.get("/answer/{token}")
    async def ask(page: Asked, token: str) -> Response:
        with _secretly():
            grant = links.read(token)
            return await _show(page, links, catalogue, grant)

    @router.post("/answer/{token}")
    async def take(page: Asked, token: str) -> Response:
        with _secretly():
            grant = links.read(token)
            if grant is None:
                return _closed(page)
            try:
                # Whoever has the address may answer, from wherever the form comes: it is the secret.
                form = await posted(page.request, Answer, from_anywhere=True)
                await links.answer(grant, form.command())
            except FormFaults as faults:
                return await _show(page, links, catalogue, grant, faults)
            except (NotWaiting, NoLink):
                pass
            return RedirectResponse(page.path, 303, dict(SECRET))

    return router


async def _show(
    page: Page, links: Links, catalogue: Catalogue, grant: Grant | None, faults: FormFaults | None = None
) -> Response:
    if grant is None:
        return _closed(page)
    try:
        waiting = await links.waiting(grant)
    except NoLink:
        return _closed(page)
    except NotWaiting:
        return _page(page, "answered.html")
    facts = _facts(page, catalogue, waiting)
    typed = faults.typed if faults else {}
    return _page(page, "answer.html", 422 if faults else 200, faults=faults, typed=typed, **facts)


def _facts(page: Page, catalogue: Catalogue, waiting: Waiting) -> Mapping[str, Any]:
    """What the page may say: which partner, what kind of request, since when. Nothing of the person."""
    handed = waiting.handed
    category = catalogue.categories_by_code.get(handed.category)
    partner = catalogue.partners_by_code.get(handed.partner)
    return {
        "partner": partner.name if partner else None,
        "category": page.language.pick(category.label_fr, category.label_en) if category else None,
        "issued_on": date.fromisoformat(handed.issued_on),
        "reasons": [(reason.value, REASONS[reason.value]) for reason in DeclineReason],
    }


def _closed(page: Page) -> Response:
    return _page(page, "no_answer.html", 404)


def _page(page: Page, template: str, status: int = 200, **facts: Any) -> Response:
    # Without a menu: who comes by a link has nowhere else to go.
    answer = page.render(template, status, menu=None, **facts)
    answer.headers.update(SECRET)
    return answer


@contextmanager
def _secretly() -> Iterator[None]:
    """A refusal, too, goes out with the headers of a secret address."""
    try:
        yield
    except Exception as error:
        problem = error if isinstance(error, Problem) else from_exception(error)
        if problem is None:
            raise
        raise replace(problem, headers={**problem.headers, **SECRET}) from error
