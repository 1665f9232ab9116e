"""The HTTP edge of signing in: `POST /session` and what belongs to it, and who has an account."""

from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel

from services.intake.access import sign_ins
from services.intake.access.accounts import principal_of_account
from services.intake.access.entrance import Entrance
from services.intake.access.forms import SignInForm
from services.intake.access.tokens import TokenUnknown
from shared.access.cookies import Cookies
from shared.access.credentials import Credential, Kind, form_token
from shared.access.door import Door
from shared.access.gate import CREDENTIAL
from shared.access.principal import Principal, Role, principal_of
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.problems import Problem


class SessionView(BaseModel):
    """Who is signed in. `form_token` goes with every form of this session's pages."""

    account_id: str
    role: Role
    partner: str | None
    site: str | None
    form_token: str


class ShortTokenView(BaseModel):
    """What a token was swapped for. Good until `expires_at`, `expires_in_s` seconds from now."""

    token: str
    expires_at: str
    expires_in_s: int


class EndedView(BaseModel):
    """Nobody is signed in here any more."""

    signed_in: bool = False


class AccountView(BaseModel):
    """An account, as those see it who answer for who has one: the only place where a name stands beside a code."""

    account_id: str
    login: str
    display_name: str
    role: Role
    partner: str | None
    site: str | None
    disabled: bool


class SignInView(BaseModel):
    """Something that happened at the door."""

    entry_id: str
    at: str
    what: str
    account_id: str | None
    address: str | None


def add_signing_in(app: FastAPI, entrance: Entrance, door: Door, cookies: Cookies) -> None:
    """Add the routes."""

    @app.post(
        "/session",
        status_code=201,
        tags=["access"],
        summary="Sign in",
        responses=problems(400, 401, 403, 413, 415, 422, 429, 507),
        openapi_extra=form_contract(SignInForm),
    )
    async def begin(request: Request, response: Response) -> SessionView:
        form = await read_form(request, SignInForm)
        account, secret = await entrance.sign_in(form.login, form.password, form.new_password, address_of(request))
        # The one before ends: nothing that was known before signing in is good after it.
        await end_session(request, entrance, door)
        cookies.give(response, secret)
        return _session(principal_of_account(account), form_token(secret))

    @app.get("/session", tags=["access"], summary="Who is signed in", responses=problems(401))
    async def read(request: Request) -> SessionView:
        principal, credential = principal_of(request), credential_of(request)
        assert principal is not None, "the policy asks who it is"
        return _session(principal, credential.form if credential else "")

    @app.post("/session/end", tags=["access"], summary="Sign out", responses=problems(403, 507))
    async def end(request: Request, response: Response) -> EndedView:
        await end_session(request, entrance, door)
        cookies.take(response)
        return EndedView()

    _add_swapping(app, entrance)
    _add_reading(app, entrance)


def _add_swapping(app: FastAPI, entrance: Entrance) -> None:
    @app.post(
        "/session/token",
        status_code=201,
        tags=["access"],
        summary="Swap a machine's token for one of a quarter of an hour",
        responses=problems(401, 403, 409, 429, 507),
    )
    async def swap(request: Request) -> ShortTokenView:
        credential = credential_of(request)
        assert credential is not None, "the policy asks who it is"
        try:
            short = await entrance.tokens.swap(credential.digest, address_of(request))
        except TokenUnknown:
            detail = "Only a token that was made for a machine is swapped: not what it was swapped for, nor a session."
            raise Problem(409, "nothing-to-swap", "This is not swapped", detail) from None
        return ShortTokenView(**short._asdict())


def _add_reading(app: FastAPI, entrance: Entrance) -> None:
    @app.get("/accounts", tags=["access"], summary="Who has an account", responses=problems(401, 403))
    async def accounts() -> list[AccountView]:
        return [
            AccountView.model_validate(account, from_attributes=True, strict=False)
            for account in await entrance.accounts.all()
        ]

    @app.get("/accounts/sign-ins", tags=["access"], summary="What happened at the door", responses=problems(401, 403))
    async def recent(
        before: Annotated[str | None, Query(pattern=r"^[0-9a-f-]{36}$", description="The last `entry_id` read")] = None,
    ) -> list[SignInView]:
        found = await entrance.accounts.database.read(lambda connection: sign_ins.page(connection, before))
        return [SignInView(**entry._asdict()) for entry in found]


async def end_session(request: Request, entrance: Entrance, door: Door) -> None:
    """End the session that a request came with, if it came with one."""
    credential = credential_of(request)
    if credential and credential.kind is Kind.SESSION:
        await entrance.sessions.end(credential.digest)
        door.forget(credential.digest)


def credential_of(request: Request) -> Credential | None:
    """What the request showed and was let in by."""
    found: Credential | None = request.scope.get("state", {}).get(CREDENTIAL)
    return found


def address_of(request: Request) -> str:
    """The network address that a request comes from; behind a proxy, the proxy's."""
    return request.client.host if request.client else ""


def _session(principal: Principal, token: str) -> SessionView:
    return SessionView(
        account_id=principal.account_id,
        role=principal.role,
        partner=principal.partner,
        site=principal.site,
        form_token=token,
    )
