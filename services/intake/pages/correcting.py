"""The page on which the desk puts a visit right, or says that it never was: one key away, one more to confirm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from services.intake.corrections.changes import VisitChanges
from services.intake.corrections.forms import CorrectionForms
from services.intake.corrections.visits import VoidReason, correct, void
from services.intake.discretion import visit_told_to
from services.intake.pages.board import CHANNEL_WORDS, NEED_WORDS, STATE_WORDS, Board
from services.intake.pages.correction_fields import AS_IT_IS, Values, body_of, standing, typed_over
from services.intake.pages.desk import Desk
from services.intake.plain_forms import NEEDS, REQUESTS_MAX
from services.intake.queries import VisitView
from shared.access.acting import acting, acting_scope
from shared.clock import utc_now
from shared.ids import new_id
from shared.log import VersionConflict
from shared.web.idempotency import KEY_PATTERN
from shared.web.pages import Asked, FieldFault, FormFaults, Notice, Page, PageRouter, mark
from shared.web.problems import Problem, field_name
from shared.web.strict_json import BODY_BYTES_MAX

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
_REMEDIES = {
    "at": mark("Choisissez un moment passé."),
    "request": mark("Ce sujet ou cette suite ne convient pas : choisissez dans la liste."),
}
_CHOOSE = mark("Choisissez une des réponses proposées.")
_TOO_LATE = mark("Quelqu’un d’autre a changé cet accueil entre-temps. Le voici, avec ce que vous avez changé.")
_Key = Annotated[str, Field(pattern=KEY_PATTERN)]
_Lines = Annotated[list[str], Field(max_length=REQUESTS_MAX + 1)]


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
    site: str | None = None
    channel: Literal["in_person", "phone", "mail", "email", "home", "remote"]
    at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$")]
    was_at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$")]
    language: Annotated[str, Field(max_length=8)] | None = None
    needs: list[Literal[NEEDS]] = []  # type: ignore[valid-type]
    children: bool = False
    request: _Lines = []
    subject: _Lines = []
    step: _Lines = []
    remove: _Lines = []


@dataclass(frozen=True)
class Correcting:
    """What the page stands on."""

    desk: Desk
    changes: VisitChanges
    forms: CorrectionForms

    async def may_see(self, page: Page, visit_id: str) -> VisitView | Response:
        """The visit as far as whoever acts may know it; for a sealed case, the way to open it. Raises the 404."""
        visit = await self.desk.may_see(page, visit_id, f"/desk/visits/{visit_id}")
        return visit if isinstance(visit, Response) else visit_told_to(acting(), visit, self.desk.catalogue)

    async def show(
        self, page: Page, visit: VisitView, *, status: int = 200, faults: FormFaults | None = None
    ) -> Response:
        """The visit as it stands, and both forms, with what was typed into them."""
        catalogue, typed = self.desk.catalogue, faults.typed if faults else {}
        board = Board(catalogue, visit.site, page.language, utc_now())
        values = typed_over(standing(board, visit), typed, await self._shown(board, visit, typed))
        who = acting()
        return page.render(
            "correct.html",
            status,
            faults=faults,
            visit=visit,
            at=datetime.fromisoformat(visit.occurred_at),
            values=values,
            under_way=self._under_way(page, visit),
            reason=typed.get("reason"),
            sites=[] if who and who.site else catalogue.sites,
            categories=board.categories(),
            channels=CHANNEL_WORDS,
            spoken_languages=board.languages(await self.desk.today.languages(acting_scope())),
            needs=NEED_WORDS,
            reasons=[(reason.value, words) for reason, words in REASONS.items()],
            partners=[(one.code, one.name) for one in catalogue.partners],
            room_for_one=len(visit.requests) < REQUESTS_MAX,
            new_key=new_id,
            now=board.now.isoformat()[:16],
        )

    async def carry_out(self, page: Page, visit: VisitView, what: str, form: BaseModel, decide: Any) -> Response:
        """Change the visit, and go back to the desk; or show why not, and where it stands."""
        typed = form.model_dump(mode="json")
        key = typed.pop("key").encode()
        headers = {b"idempotency-key": key}
        asked = msgspec.json.encode(typed)
        try:
            await self.changes.carry_out(visit.visit_id, what, asked, f'"{typed["version"]}"', headers, decide)
        except VersionConflict:
            faults, status = [FieldFault("visit", _TOO_LATE)], 412
        except Problem as problem:
            if problem.slug not in _REFUSED:
                raise
            faults, status = _faults(problem, _lines_of(form, visit)), problem.status
        else:
            now = await self.desk.visit(visit.visit_id)
            catalogue = self.desk.catalogue
            elsewhere = now.site in catalogue.sites_by_code and now.site != catalogue.default_site.code
            query = {"site": now.site} if elsewhere else {}
            if what == "correction" and now.invitation and not visit.invitation:
                # There is a code to hand over.
                query["done"] = now.visit_id
            return page.redirect(f"/desk?{urlencode(query)}".rstrip("?"), Notice(f"visit_{what}"))
        now = visit_told_to(acting(), await self.desk.visit(visit.visit_id), self.desk.catalogue)
        return await self.show(page, now, status=status, faults=FormFaults(faults, typed))

    def right(self, form: CorrectionPageForm, visit: VisitView) -> BaseModel:
        """What the fields say, as `POST /visits/{visit_id}/correction` takes it. Raises `FormFaults`."""
        catalogue, typed = self.desk.catalogue, form.model_dump(mode="json")
        site = catalogue.sites_by_code.get(form.site or visit.site, catalogue.default_site)
        try:
            body, lines = body_of(form, visit, site)
        except ValueError:
            raise FormFaults([FieldFault("at", _REMEDIES["at"])], typed) from None
        if not lines:
            nothing = FieldFault("visit", mark("Un accueil a au moins une demande : annulez-le plutôt."))
            raise FormFaults([nothing], typed)
        encoded = msgspec.json.encode(body)
        assert len(encoded) <= BODY_BYTES_MAX
        try:
            return self.forms.correction.model_validate_json(encoded)
        except ValidationError as error:
            found = [field_name(*one["loc"]) for one in error.errors(include_url=False, include_input=False)]
            raise FormFaults([_fault(name, lines) for name in dict.fromkeys(found)], typed) from None

    async def _shown(self, board: Board, visit: VisitView, typed: Mapping[str, Any]) -> Values:
        """What the fields held when they were shown to whoever typed."""
        version = typed.get("version")
        if not str(version).isdecimal() or int(str(version)) == visit.version:
            return standing(board, visit)
        try:
            then = await self.desk.visit(visit.visit_id, int(str(version)))
        except Problem:
            return standing(board, visit)
        return standing(board, visit_told_to(acting(), then, self.desk.catalogue))

    def _under_way(self, page: Page, visit: VisitView) -> dict[str, list[str]]:
        """Where each request lies, in words: `Sauvegarde 21 : acceptée`."""
        names = self.desk.catalogue.partners_by_code
        return {
            request.request_id: [
                f"{names[one.partner].name} : {page.language.gettext(STATE_WORDS.get(one.status, one.status))}"
                for one in request.referrals
                if one.partner in names
            ]
            for request in visit.requests
        }


def correcting_router(correcting: Correcting) -> APIRouter:
    """`/desk/visits/{visit_id}`: the page, and its two forms."""
    router = PageRouter()
    visit_path = "/desk/visits/{visit_id}"

    @router.get(visit_path)
    async def show(page: Asked, visit_id: str) -> Response:
        visit = await correcting.may_see(page, visit_id)
        return visit if isinstance(visit, Response) else await correcting.show(page, visit)

    @router.post(f"{visit_path}/correction")
    async def put_right(page: Asked, visit_id: str) -> Response:
        visit = await correcting.may_see(page, visit_id)
        if isinstance(visit, Response):
            return visit
        try:
            form: CorrectionPageForm = await page.form(CorrectionPageForm)
            right = correcting.right(form, visit)
        except FormFaults as faults:
            return await correcting.show(page, visit, status=422, faults=faults)
        return await correcting.carry_out(
            page, visit, "correction", form,
            lambda visit, now: correct(visit, correcting.forms.command(right, visit, now)),
        )  # fmt: skip

    @router.post(f"{visit_path}/void")
    async def make_void(page: Asked, visit_id: str) -> Response:
        visit = await correcting.may_see(page, visit_id)
        if isinstance(visit, Response):
            return visit
        try:
            form: VoidPageForm = await page.form(VoidPageForm)
        except FormFaults as faults:
            return await correcting.show(page, visit, status=422, faults=faults)
        return await correcting.carry_out(
            page, visit, "void", form, lambda visit, _now: void(visit, form.reason)
        )  # fmt: skip

    return router


def _lines_of(form: BaseModel, visit: VisitView) -> Sequence[str]:
    """The line of each request that was sent."""
    if not isinstance(form, CorrectionPageForm):
        return ()
    known = {one.request_id for one in visit.requests}
    sent = zip(form.request, form.subject, strict=False)
    return [one for one, subject in sent if one not in form.remove and (one in known or subject != AS_IT_IS)]


def _faults(problem: Problem, lines: Sequence[str]) -> list[FieldFault]:
    """A refusal, beside the field that it is about where it names one."""
    if problem.slug == "invalid-fields" and problem.errors:
        names = dict.fromkeys(error["field"] for error in problem.errors)
        return [_fault(name, lines) for name in names]
    return [FieldFault("visit", _REFUSED[problem.slug])]


def _fault(name: str, lines: Sequence[str]) -> FieldFault:
    first, _, rest = name.partition(".")
    if first == "requests":
        number = rest.partition(".")[0]
        line = lines[int(number)] if number.isdecimal() and int(number) < len(lines) else ""
        return FieldFault(f"request-{line}" if line else "visit", _REMEDIES["request"])
    field = {"occurred_at": "at"}.get(first, first)
    return FieldFault(field, _REMEDIES.get(field, _CHOOSE))
