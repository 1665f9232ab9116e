"""Signing in through a provider of OpenID Connect, in a browser: away, and back with a session like any other's.

What must come back with somebody lies in a cookie of theirs, signed, for ten minutes: `SameSite=Lax`, because the
provider is another site. The session's own cookie stays `Strict`; a page of ours leads on, since a redirect that began
at the provider would not carry it.
"""

import logging
import re
import secrets
from collections.abc import Callable
from typing import Annotated, NamedTuple

import msgspec
from fastapi import APIRouter, Query, Request
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.responses import RedirectResponse, Response

from services.intake.access.entrance import Entrance
from services.intake.access.federated import Federated, NoRole, read_roles
from services.intake.access.id_tokens import NotBelieved
from services.intake.access.provider import Begun, Provider, ProviderAway
from services.intake.signing_in import address_of, end_session
from shared.access.asking import WayOut
from shared.access.cookies import Cookies
from shared.access.door import Door, away
from shared.access.sign_in_address import target
from shared.settings import Settings
from shared.web.pages import Asked, PageRouter
from shared.web.problems import Problem, not_found

START, BACK = "/sign-in/provider", "/sign-in/provider/back"
BEGUN_COOKIE = "maison_begun"
BEGUN_S_MAX = 600
_SALT = "maison-provider-1"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")

_log = logging.getLogger(__name__)


class _Kept(NamedTuple):
    """What is kept of somebody who went away to sign in."""

    begun: Begun
    service: str
    next: str


_Parameter = Annotated[str | None, Query(max_length=4_096)]


class ProviderDoor:
    """The way in through a provider; `is_open` where one is configured."""

    def __init__(
        self,
        entrance: Entrance,
        door: Door,
        cookies: Cookies,
        settings: Settings,
        house_key: Callable[[], str | None],
    ) -> None:
        self._entrance, self._door, self._cookies, self._settings = entrance, door, cookies, settings
        self._house_key, self._own_key = house_key, secrets.token_urlsafe(32)
        self.provider = Provider(settings)
        roles = read_roles(settings.oidc_roles)
        claims = (settings.oidc_role_claim, settings.oidc_name_claim)
        self._federated = Federated(entrance.accounts, roles, *claims)

    @property
    def is_open(self) -> bool:
        """Whether people may sign in through a provider."""
        return bool(self._settings.oidc_issuer)

    @property
    def label(self) -> str:
        """What the provider is called on its button."""
        return self._settings.oidc_label or "OpenID Connect"

    async def send_away(self, request: Request, service: str, wanted: str) -> Response:
        """To the provider. Raises the 404 or 503 problem."""
        if not self.is_open:
            raise not_found("page")
        try:
            address, begun = await self.provider.begin(self._address(request, BACK))
        except ProviderAway as error:
            raise self._away(error) from None
        answer = RedirectResponse(address, 303)
        kept = self._serializer().dumps([*begun, service, wanted])
        # Sent along from the provider's site, but never by its scripts or forms.
        answer.set_cookie(
            BEGUN_COOKIE, kept, BEGUN_S_MAX, path="/sign-in", httponly=True, samesite="lax", secure=self._settings.https
        )
        return answer

    async def let_in(self, page: Asked, request: Request, code: str | None, state: str | None) -> Response:
        """Whoever comes back with what they went away with. Raises the 401, 403, 404 or 503 problem."""
        if not self.is_open:
            raise not_found("page")
        kept = self._kept(request, state)
        if kept is None or code is None:
            raise _refused()
        try:
            claims, token = await self.provider.finish(code, kept.begun, self._address(request, BACK))
            account = await self._federated.account_of(claims)
        except ProviderAway as error:
            raise self._away(error) from None
        except NotBelieved as error:
            _log.warning("a sign-in through the provider was refused: %s", error)
            raise _refused() from None
        except NoRole:
            raise _no_role() from None
        await end_session(request, self._entrance, self._door)
        secret = await self._entrance.sessions.begin(account, address_of(request))
        address = target(self._settings, request, kept.service, kept.next)
        answer = page.render("signed_in.html", address=address, doors=())
        self._cookies.give(answer, secret)
        answer.delete_cookie(BEGUN_COOKIE, path="/sign-in", httponly=True, samesite="lax")
        self._cookies.keep(answer, token)
        return answer

    async def way_out(self, token: str | None, back: str) -> WayOut | None:
        """Where whoever signs out here signs out of the provider too; None for who came another way.

        `token`: what its browser kept; `back`: the page to sign in, as the provider leads to it.
        """
        if not self.is_open or not token:
            return None
        try:
            address = await self.provider.way_out(token, back)
        except ProviderAway:
            # Signed out here they are in any case.
            return None
        return WayOut(address, self.label) if address else None

    def _kept(self, request: Request, state: str | None) -> _Kept | None:
        try:
            told = self._serializer().loads(request.cookies.get(BEGUN_COOKIE, ""), max_age=BEGUN_S_MAX)
            found = msgspec.convert(told, tuple[str, str, str, str, str])
        except (BadData, msgspec.ValidationError):
            return None
        begun = Begun(*found[:3])
        return (
            _Kept(begun, *found[3:]) if state and secrets.compare_digest(state.encode(), begun.state.encode()) else None
        )

    def _serializer(self) -> URLSafeTimedSerializer:
        # The same at every replica; where there is no key of the house, there is no other replica.
        return URLSafeTimedSerializer(self._house_key() or self._own_key, salt=_SALT)

    def _address(self, request: Request, path: str) -> str:
        host = request.headers.get("host", "")
        # The provider compares it with what it was told of us: another host leads nobody elsewhere.
        if not _HOST.fullmatch(host):
            raise _refused()
        return f"{'https' if self._settings.https else 'http'}://{host}{path}"

    def _away(self, error: ProviderAway) -> Problem:
        _log.warning("the provider cannot be asked: %s", error)
        return away()


def provider_pages(provider_door: ProviderDoor) -> APIRouter:
    """The two addresses: away, and back."""
    router = PageRouter()

    @router.get(START)
    async def begin(
        _page: Asked,
        request: Request,
        service: str = "intake",
        wanted: Annotated[str, Query(alias="next")] = "/sign-in",
    ) -> Response:
        return await provider_door.send_away(request, service[:16], wanted[:1_000])

    @router.get(BACK)
    async def back(
        page: Asked,
        request: Request,
        code: _Parameter = None,
        state: _Parameter = None,
        iss: _Parameter = None,
        # What some providers say besides, and what does not matter here.
        _error: Annotated[_Parameter, Query(alias="error")] = None,
        _description: Annotated[_Parameter, Query(alias="error_description")] = None,
        _uri: Annotated[_Parameter, Query(alias="error_uri")] = None,
        _session: Annotated[_Parameter, Query(alias="session_state")] = None,
        _scope: Annotated[_Parameter, Query(alias="scope")] = None,
    ) -> Response:
        # Whoever asked another provider than ours has brought back its answer.
        if iss not in (None, provider_door.provider.issuer):
            raise _refused()
        return await provider_door.let_in(page, request, code, state)

    return router


def _refused() -> Problem:
    return Problem(401, "provider-refused", "Signing in did not succeed", "Begin again on the page to sign in.")


def _no_role() -> Problem:
    return Problem(403, "no-role", "No role here", "The provider knows you; ask the coordination for a role here.")
