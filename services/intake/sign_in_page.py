"""The page on which people sign in. It works without a script, and never shows again what was typed as a password."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.intake.access.entrance import Entrance
from services.intake.provider_page import ProviderDoor
from services.intake.signing_in import address_of, end_session
from shared.access.cookies import PROVIDER_COOKIE, Cookies
from shared.access.door import Door
from shared.access.principal import Role, principal_of
from shared.access.sign_in_address import sign_in_from_outside, target
from shared.settings import Settings
from shared.web.pages import Asked, FieldFault, FormFaults, PageRouter, mark
from shared.web.problems import Problem

HERE = "/sign-in"
_REMEDIES = {
    "wrong-sign-in": ("password", mark("L’identifiant ou le mot de passe ne convient pas : vérifiez les deux.")),
    "too-many-tries": ("password", mark("Trop d’essais : attendez une minute, puis recommencez.")),
    "busy": ("password", mark("Trop de connexions en ce moment : recommencez dans quelques secondes.")),
    "invalid-fields": (
        "new_password",
        mark("Choisissez au moins 12 caractères, sans votre identifiant et autres que l’ancien mot de passe."),
    ),
}


_FIGURES = ("stats", "/figures", mark("Les chiffres"))
_DOORS: Mapping[Role, tuple[tuple[str, str, str], ...]] = {
    Role.FRONT_DESK: (("intake", "/desk", mark("L’accueil")),),
    Role.COORDINATOR: (
        ("intake", "/desk", mark("L’accueil")),
        ("referral", "/coordination/page", mark("La coordination")),
        ("intake", "/openings/page", mark("Les dossiers sous scellés")),
        _FIGURES,
    ),
    Role.PARTNER: (("referral", "/desks/{partner}", mark("Vos orientations")),),
    Role.STATISTICS: (_FIGURES,),
    Role.DATA_PROTECTION: (("intake", "/openings/page", mark("Les dossiers sous scellés")), _FIGURES),
}
"""Where each role mostly goes: service, path, words."""


class SignIn(BaseModel):
    """The form. `service` and `next`: where to go afterwards."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(max_length=64)
    password: str = Field(max_length=256)
    new_password: str | None = Field(default=None, max_length=256)
    service: str = Field(default="intake", max_length=16)
    next: str = Field(default=HERE, max_length=1_000)


def sign_in_pages(
    entrance: Entrance, door: Door, cookies: Cookies, settings: Settings, provider: ProviderDoor
) -> APIRouter:
    """The page and what its forms do."""
    router = PageRouter()
    by = provider.label if provider.is_open else None

    @router.get("/sign-in")
    async def read(
        page: Asked, request: Request, service: str = "intake", wanted: Annotated[str, Query(alias="next")] = HERE
    ) -> Response:
        if principal := principal_of(request):
            doors = [
                (target(settings, request, at, path.format(partner=principal.partner)), words)
                for at, path, words in _DOORS.get(principal.role, ())
            ]
            return page.render("signed_in.html", address=None, doors=doors)
        return page.render("sign_in.html", typed={"service": service, "next": wanted}, choose=False, provider=by)

    @router.post("/sign-in")
    async def sign_in(page: Asked, request: Request) -> Response:
        typed: dict[str, str] = {}
        choose = False
        try:
            form = await page.form(SignIn)
            typed = {"login": form.login, "service": form.service, "next": form.next}
            choose = form.new_password is not None
            _, secret = await entrance.sign_in(form.login, form.password, form.new_password, address_of(request))
        except FormFaults as faults:
            return page.render("sign_in.html", 422, faults=faults, typed=typed, choose=choose, provider=by)
        except Problem as refusal:
            if refusal.slug == "new-password-required":
                # Everybody's first step, and no mistake of theirs.
                return page.render("sign_in.html", refusal.status, typed=typed, choose=True, first=True, provider=by)
            if refusal.slug not in _REMEDIES:
                raise
            field, remedy = _REMEDIES[refusal.slug]
            wrong = FormFaults([FieldFault(field, remedy)])
            answer = page.render("sign_in.html", refusal.status, faults=wrong, typed=typed, choose=choose, provider=by)
            answer.headers.update(refusal.headers)
            return answer
        await end_session(request, entrance, door)
        address = target(settings, request, form.service, form.next)
        # A form may not lead to another port, not even by a redirect: there a page leads on.
        if address.startswith("/"):
            answer = page.redirect(address)
        else:
            answer = page.render("signed_in.html", address=address, doors=())
        cookies.give(answer, secret)
        return answer

    @router.post("/sign-out")
    async def sign_out(page: Asked, request: Request) -> Response:
        await end_session(request, entrance, door)
        back = sign_in_from_outside(settings, request.scope, "intake")
        way_out = await provider.way_out(request.cookies.get(PROVIDER_COOKIE), back)
        page.is_left()
        # A form may not lead to another site: there a link does.
        is_out = way_out is None
        answer = page.redirect(HERE) if is_out else page.render("signed_out.html", sign_in=HERE, way_out=way_out)
        cookies.take(answer)
        return answer

    return router
