"""The page on which the desk puts a visit right, or says that it never was: one key away, one more to confirm."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.intake.corrections.changes import VisitChanges
from services.intake.corrections.forms import CorrectionForms
from services.intake.corrections.visits import VoidReason, correct, void
from services.intake.discretion import CONFIDENTIAL, visit_told_to
from services.intake.pages.board import CHANNEL_WORDS, Board
from services.intake.pages.desk import Desk
from services.intake.pages.visit_form import HERE, TEAM
from services.intake.plain_forms import REQUESTS_MAX
from services.intake.queries import RequestView, VisitView
from shared.access.acting import acting
from shared.clock import utc_now
from shared.ids import new_id
from shared.log import VersionConflict
from shared.web.idempotency import KEY_PATTERN
from shared.web.pages import Asked, FieldFault, FormFaults, Notice, PageRouter, mark
from shared.web.problems import Problem
from shared.web.strict_json import BODY_BYTES_MAX

NEW, AS_IT_IS = "new", "-"
"""In place of an id: a request that was forgotten. In place of an answer: nothing is said of it."""
REASONS = {
    VoidReason.MISTAKE: mark("Erreur de saisie"),
    VoidReason.DUPLICATE: mark("Saisi deux fois"),
    VoidReason.TEST: mark("C’était un essai"),
    VoidReason.OTHER: mark("Autre raison"),
}
_REFUSED = {
    "nothing-to-correct": mark("Rien n’a été changé : corrigez au moins une réponse."),
    "visit-void": mark("Cet accueil est déjà annulé."),
    "other-site": mark("Cet accueil est d’une autre maison : demandez à sa coordination."),
    "invalid-fields": mark("Cela ne peut pas être : vérifiez le jour, l’heure et les demandes."),
}
_TOO_LATE = mark("Quelqu’un d’autre a changé cet accueil entre-temps. Voici où il en est.")
_MINUTE = 16
_Key = Annotated[str, Field(pattern=KEY_PATTERN)]


class VoidPageForm(BaseModel):
    """Why the visit never was, at the version that was shown."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]
    key: _Key
    reason: VoidReason = VoidReason.MISTAKE


class CorrectionPageForm(BaseModel):
    """What the page's fields say. `request`, `subject` and `step` go together, place by place."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]
    key: _Key
    channel: Literal["in_person", "phone", "mail", "email", "home", "remote"]
    at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$")]
    was_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$")]
    request: Annotated[list[str], Field(max_length=REQUESTS_MAX + 1)] = []
    subject: Annotated[list[str], Field(max_length=REQUESTS_MAX + 1)] = []
    step: Annotated[list[str], Field(max_length=REQUESTS_MAX + 1)] = []
    remove: Annotated[list[str], Field(max_length=REQUESTS_MAX)] = []


class Line(NamedTuple):
    """A request of the page: its id, its subject in words, and what its two fields hold."""

    request_id: str
    words: str
    subject: str
    step: str


@dataclass(frozen=True)
class Correcting:
    """What the page stands on."""

    desk: Desk
    changes: VisitChanges
    forms: CorrectionForms

    async def show(self, page: Any, visit_id: str, *, status: int = 200, faults: FormFaults | None = None) -> Response:
        """The visit as it stands, and both forms."""
        visit = visit_told_to(acting(), await self.desk.visit(visit_id), self.desk.catalogue)
        board = Board(self.desk.catalogue, visit.site, page.language, utc_now())
        return page.render(  # type: ignore[no-any-return]
            "correct.html",
            status,
            faults=faults,
            visit=visit,
            at=datetime.fromisoformat(visit.occurred_at),
            lines=[_line(board, one) for one in visit.requests],
            categories=board.categories(),
            channels=CHANNEL_WORDS,
            reasons=[(reason.value, words) for reason, words in REASONS.items()],
            partners=[(one.code, one.name) for one in self.desk.catalogue.partners],
            room_for_one=len(visit.requests) < REQUESTS_MAX,
            new_key=new_id,
            now=board.now.isoformat()[:_MINUTE],
        )

    async def carry_out(self, page: Any, visit_id: str, what: str, form: Any, decide: Any) -> Response:
        """Change the visit, and go back to the desk; or show why not, and where it stands."""
        asked = msgspec.json.encode(form.model_dump(mode="json", exclude={"key"}))
        headers = {b"idempotency-key": form.key.encode()}
        try:
            await self.changes.carry_out(visit_id, what, asked, f'"{form.version}"', headers, decide)
        except VersionConflict:
            return await self.show(page, visit_id, status=412, faults=FormFaults([FieldFault("visit", _TOO_LATE)]))
        except Problem as problem:
            if (remedy := _REFUSED.get(problem.slug)) is None:
                raise
            faults = FormFaults([FieldFault("visit", remedy)])
            return await self.show(page, visit_id, status=problem.status, faults=faults)
        visit = await self.desk.visit(visit_id)
        own_site = "" if visit.site == self.desk.catalogue.default_site.code else f"?site={visit.site}"
        return page.redirect(f"/desk{own_site}", Notice(f"visit_{what}"))  # type: ignore[no-any-return]

    def body(self, form: CorrectionPageForm, visit: VisitView) -> bytes:
        """What the fields say, as `POST /visits/{visit_id}/correction` takes it. Raises `FormFaults`."""
        requests = [
            one
            for request_id, subject, step in zip(form.request, form.subject, form.step, strict=False)
            if request_id not in form.remove and (one := _request(visit, request_id, subject, step)) is not None
        ]
        if not requests:
            raise FormFaults([FieldFault("visit", mark("Un accueil a au moins une demande : annulez-le plutôt."))])
        body: dict[str, Any] = {"channel": form.channel, "requests": requests}
        # The second of two half past twos is kept: only what was changed on the page is taken from it.
        if form.at[:_MINUTE] != form.was_at:
            zone = self.desk.catalogue.site(visit.site).zone
            body["occurred_at"] = datetime.fromisoformat(form.at).replace(tzinfo=zone).isoformat()
        encoded = msgspec.json.encode(body)
        assert len(encoded) <= BODY_BYTES_MAX
        return encoded


def correcting_router(correcting: Correcting) -> APIRouter:
    """`/desk/visits/{visit_id}`: the page, and its two forms."""
    router, desk = PageRouter(), correcting.desk
    visit_path = "/desk/visits/{visit_id}"

    @router.get(visit_path)
    async def show(page: Asked, visit_id: str) -> Response:
        return await correcting.show(page, visit_id)

    @router.post(f"{visit_path}/correction")
    async def put_right(page: Asked, visit_id: str) -> Response:
        try:
            form: CorrectionPageForm = await page.form(CorrectionPageForm)
            body = correcting.body(form, await desk.visit(visit_id))
            right = correcting.forms.correction.model_validate_json(body)
        except FormFaults as faults:
            return await correcting.show(page, visit_id, status=422, faults=faults)
        except ValueError:
            impossible = FormFaults([FieldFault("visit", _REFUSED["invalid-fields"])])
            return await correcting.show(page, visit_id, status=422, faults=impossible)
        return await correcting.carry_out(
            page, visit_id, "correction", form,
            lambda visit, now: correct(visit, correcting.forms.command(right, visit, now)),
        )  # fmt: skip

    @router.post(f"{visit_path}/void")
    async def make_void(page: Asked, visit_id: str) -> Response:
        try:
            form: VoidPageForm = await page.form(VoidPageForm)
        except FormFaults as faults:
            return await correcting.show(page, visit_id, status=422, faults=faults)
        return await correcting.carry_out(
            page, visit_id, "void", form, lambda visit, _now: void(visit, form.reason)
        )  # fmt: skip

    return router


def _line(board: Board, request: RequestView) -> Line:
    hidden = request.category == CONFIDENTIAL
    words = board.confidential if hidden else board.subject(request.category, request.topic)
    subject = AS_IT_IS if hidden else f"{request.category}:{request.topic or ''}"
    step = HERE if request.answered else request.partner or AS_IT_IS
    return Line(request.request_id, words, subject, AS_IT_IS if hidden else step)


def _request(visit: VisitView, request_id: str, subject: str, step: str) -> dict[str, Any] | None:
    """A request as it should have been; None for a line that was left empty."""
    before = next((one for one in visit.requests if one.request_id == request_id), None)
    if before is None and subject == AS_IT_IS:
        return None
    made: dict[str, Any] = {"request_id": request_id} if before else {}
    if subject != AS_IT_IS:
        category, _, topic = subject.partition(":")
        if before is None or (category, topic or None) != (before.category, before.topic):
            made |= {"category": category, "topic": topic or None}
    if before is not None and subject == AS_IT_IS:
        # Neither what it is about nor who has it was shown.
        return made
    answered, partner = step == HERE, step if step not in (HERE, TEAM, AS_IT_IS) else None
    if before is None or answered != before.answered:
        made["answered"] = answered
    if before is None or partner != before.partner:
        made["partner"] = partner
    return made
