"""The page on which people sign in. It works without a script, and never shows again what was typed as a password."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.intake.access.entrance import Entrance
from services.intake.signing_in import Cookies, address_of, end_session
from shared.access.door import Door
from shared.access.principal import principal_of
from shared.access.sign_in_address import target
from shared.settings import Settings
from shared.web.pages import Asked, FieldFault, FormFaults, PageRouter, mark
from shared.web.problems import Problem

HERE = "/sign-in"
_REMEDIES = {
    "wrong-sign-in": ("password", mark("L’identifiant ou le mot de passe ne convient pas : vérifiez les deux.")),
    "too-many-tries": ("password", mark("Trop d’essais : attendez une minute, puis recommencez.")),
    "busy": ("password", mark("Trop de connexions en ce moment : recommencez dans quelques secondes.")),
    "new-password-required": (
        "new_password",
        mark("Ce mot de passe ne servait qu’une fois : choisissez le vôtre, et écrivez aussi l’ancien."),
    ),
    "invalid-fields": (
        "new_password",
        mark("Choisissez au moins 12 caractères, sans votre identifiant et autres que l’ancien mot de passe."),
    ),
}


class SignIn(BaseModel):
    """The form. `service` and `next`: where to go afterwards."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(max_length=64)
    password: str = Field(max_length=256)
    new_password: str | None = Field(default=None, max_length=256)
    service: str = Field(default="intake", max_length=16)
    next: str = Field(default=HERE, max_length=1_000)


def sign_in_pages(entrance: Entrance, door: Door, cookies: Cookies, settings: Settings) -> APIRouter:
    """The page and what its forms do."""
    router = PageRouter()

    @router.get("/sign-in")
    async def read(
        page: Asked, request: Request, service: str = "intake", wanted: Annotated[str, Query(alias="next")] = HERE
    ) -> Response:
        if principal_of(request):
            return page.render("signed_in.html", address=None)
        return page.render("sign_in.html", typed={"service": service, "next": wanted}, choose=False)

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
            return page.render("sign_in.html", 422, faults=faults, typed=typed, choose=choose)
        except Problem as refusal:
            if refusal.slug not in _REMEDIES:
                raise
            field, remedy = _REMEDIES[refusal.slug]
            wrong = FormFaults([FieldFault(field, remedy)])
            choose = choose or field == "new_password"
            answer = page.render("sign_in.html", refusal.status, faults=wrong, typed=typed, choose=choose)
            answer.headers.update(refusal.headers)
            return answer
        await end_session(request, entrance, door)
        address = target(settings, request, form.service, form.next)
        # A form may not lead to another port, not even by a redirect: there a page leads on.
        answer = page.redirect(address) if address.startswith("/") else page.render("signed_in.html", address=address)
        cookies.give(answer, secret)
        return answer

    @router.post("/sign-out")
    async def sign_out(page: Asked, request: Request) -> Response:
        await end_session(request, entrance, door)
        answer = page.redirect(HERE)
        cookies.take(answer)
        return answer

    return router
