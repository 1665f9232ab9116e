"""Signing out where sessions are not kept: referral and stats have intake end it.

A form may not lead to another port, so the button of each service's pages is answered by that service itself.
"""

from fastapi import APIRouter, Request
from starlette.responses import Response

from shared.access.asking import Asking
from shared.access.cookies import PROVIDER_COOKIE, Cookies
from shared.access.credentials import Credential, Kind
from shared.access.door import Door, LookupAway, away
from shared.access.gate import CREDENTIAL
from shared.access.sign_in_address import sign_in_from_outside, sign_in_page
from shared.settings import Settings
from shared.web.pages import Asked, PageRouter


def sign_out_page(service: str, asking: Asking, door: Door, settings: Settings) -> APIRouter:
    """The router of `POST /sign-out`."""
    router, cookies = PageRouter(), Cookies(https=settings.https)

    @router.post("/sign-out")
    async def sign_out(page: Asked, request: Request) -> Response:
        credential: Credential | None = request.scope.get("state", {}).get(CREDENTIAL)
        digest = credential.digest if credential and credential.kind is Kind.SESSION else None
        token = request.cookies.get(PROVIDER_COOKIE)
        way_out = None
        if digest or token:
            try:
                way_out = await asking.end(digest, token, sign_in_from_outside(settings, request.scope, service))
            except LookupAway:
                # Said to be over, it has to be over.
                raise away() from None
        if digest:
            door.forget(digest)
        page.is_left()
        sign_in = sign_in_page(settings, request.scope, service)
        answer = page.render("signed_out.html", sign_in=sign_in, way_out=way_out)
        cookies.take(answer)
        return answer

    return router
