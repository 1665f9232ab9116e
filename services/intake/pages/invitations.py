"""The page on which a slip with an invitation is noted as used: for the desk, and for the partner that it names."""

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.intake.invitations.codes import as_typed, spoken
from services.intake.invitations.routes import Invitations, InvitationView
from shared.access.acting import acting_scope
from shared.ids import new_id
from shared.log import VersionConflict
from shared.web.idempotency import KEY_PATTERN, scoped
from shared.web.pages import Asked, FieldFault, FormFaults, Page, PageRouter, mark
from shared.web.problems import Problem

_UNKNOWN = FieldFault("code", mark("Ce code n’existe pas : relisez la fiche."))
_WITHDRAWN = FieldFault("code", mark("Cette invitation a été retirée par l’accueil : elle ne compte pas."))
_USED = FieldFault("code", mark("Cette invitation a déjà servi : elle ne compte qu’une fois."))


class UsedForm(BaseModel):
    """A code as it stands on the slip, with or without its dashes."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=20)
    key: str = Field(pattern=KEY_PATTERN)


def invitation_router(invitations: Invitations) -> APIRouter:
    """`/desk/invitations`."""
    router = PageRouter()

    @router.get("/desk/invitations")
    async def show(page: Asked) -> Response:
        return _show(page)

    @router.post("/desk/invitations")
    async def use(page: Asked) -> Response:
        try:
            form = await page.form(UsedForm)
            used = await _use(invitations, form)
        except FormFaults as faults:
            return _show(page, faults=faults)
        return _show(page, used=used)

    return router


async def _use(invitations: Invitations, form: UsedForm) -> InvitationView:
    code, scope = as_typed(form.code), acting_scope()
    try:
        found = await invitations.look(scope, code)
        # Sent again, the form is decided on what stood there before it was used.
        expected = found.version - (found.status == "used")
        return await invitations.use(scope, code, expected, scoped(form.key, f"invitations/{code}/used"))
    except (Problem, VersionConflict) as refusal:
        raise FormFaults([_fault(refusal)], form.model_dump()) from None


def _fault(refusal: Problem | VersionConflict) -> FieldFault:
    if isinstance(refusal, VersionConflict):
        return _USED
    if refusal.status != 409:
        return _UNKNOWN
    return _WITHDRAWN if refusal.facts.get("stands") == "withdrawn" else _USED


def _show(page: Page, *, faults: FormFaults | None = None, used: InvitationView | None = None) -> Response:
    return page.render(
        "invitations.html",
        422 if faults else 200,
        faults=faults,
        typed=faults.typed.get("code", "") if faults else "",
        used=used,
        spoken=spoken(used.invitation) if used else "",
        given_on=date.fromisoformat(used.given_on) if used else None,
        key=new_id(),
    )
