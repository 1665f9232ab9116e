"""What the command line and the other services ask of the entrance: `/internal/...`, with the house's key."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request

from services.intake.access.accounts import AccountUnknown, LoginTaken, Made
from services.intake.access.entrance import Entrance
from services.intake.access.forms import AccessForm, AccountForm, EndForm, LoginForm, TokenForm, TokenIdForm
from services.intake.access.tokens import TokenUnknown
from shared.access.asking import ADDRESS, END_ADDRESS, WayOut, tell
from shared.access.credentials import Credential
from shared.access.door import Door, LookupAway
from shared.catalogue import Catalogue
from shared.web.body import read_form
from shared.web.problems import Problem, not_found

WAY_OUT_S_MAX = 2.0
LeadsOut = Callable[[str | None, str], Awaitable[WayOut | None]]
"""(a provider's token, where it leads back to) -> where its person signs out there."""


def add_access_care(
    app: FastAPI,
    entrance: Entrance,
    door: Door,
    catalogue: Catalogue,
    house_key: Callable[[], str | None],
    way_out: LeadsOut,
) -> None:
    """Add the routes; they are no part of the public contract."""

    async def key(x_house_key: Annotated[str, Header()] = "") -> None:
        expected = house_key()
        if expected is None or not hmac.compare_digest(expected.encode(), x_house_key.encode()):
            raise not_found("page")

    guarded: dict[str, Any] = {"include_in_schema": False, "dependencies": [Depends(key)]}

    @app.post(ADDRESS, **guarded)
    async def look(request: Request) -> dict[str, Any]:
        form = await read_form(request, AccessForm)
        try:
            return tell(await entrance.look(Credential(form.kind, bytes.fromhex(form.digest)), form.uses))
        except LookupAway:
            raise Problem(503, "store-unavailable", "The database cannot be reached", "Ask again.") from None

    @app.post(END_ADDRESS, **guarded)
    async def end(request: Request) -> dict[str, Any]:
        form = await read_form(request, EndForm)
        if form.digest:
            digest = bytes.fromhex(form.digest)
            await entrance.sessions.end(digest)
            door.forget(digest)
        leads_to = None
        # Signed out here they are in any case, and who asks does not wait for long.
        with suppress(TimeoutError):
            async with asyncio.timeout(WAY_OUT_S_MAX):
                leads_to = await way_out(form.token, form.back)
        return {"signed_in": False, "way_out": leads_to and leads_to._asdict()}

    _add_accounts(app, entrance, door, catalogue, guarded)
    _add_tokens(app, entrance, door, catalogue, guarded)


def _add_accounts(app: FastAPI, entrance: Entrance, door: Door, catalogue: Catalogue, guarded: dict[str, Any]) -> None:
    @app.post("/internal/accounts", **guarded)
    async def make(request: Request) -> dict[str, str]:
        form = await read_form(request, AccountForm)
        form.check(catalogue)
        try:
            return _made(
                await entrance.accounts.make(form.login, form.display_name, form.role, form.partner, form.site)
            )
        except LoginTaken:
            raise Problem(409, "login-taken", "Login taken", "Somebody has this login: choose another.") from None

    @app.post("/internal/accounts/disable", **guarded)
    async def disable(request: Request) -> dict[str, str]:
        form = await read_form(request, LoginForm)
        try:
            account_id = await entrance.accounts.disable(form.login)
        except AccountUnknown:
            raise not_found("account") from None
        door.forget_all()
        return {"account_id": account_id}

    @app.post("/internal/accounts/password", **guarded)
    async def renew(request: Request) -> dict[str, str]:
        form = await read_form(request, LoginForm)
        try:
            made = await entrance.accounts.renew_password(form.login)
        except AccountUnknown:
            raise not_found("account") from None
        door.forget_all()
        return _made(made)


def _add_tokens(app: FastAPI, entrance: Entrance, door: Door, catalogue: Catalogue, guarded: dict[str, Any]) -> None:
    @app.get("/internal/tokens", **guarded)
    async def tokens() -> list[dict[str, Any]]:
        return [token._asdict() for token in await entrance.tokens.all()]

    @app.post("/internal/tokens", **guarded)
    async def issue(request: Request) -> dict[str, str]:
        form = await read_form(request, TokenForm)
        form.check(catalogue)
        issued = await entrance.tokens.issue(form.role, form.partner, form.site, form.days)
        return issued._asdict()

    @app.post("/internal/tokens/revoke", **guarded)
    async def revoke(request: Request) -> dict[str, str]:
        form = await read_form(request, TokenIdForm)
        try:
            await entrance.tokens.revoke(form.token_id)
        except TokenUnknown:
            raise not_found("token") from None
        door.forget_all()
        return {"token_id": form.token_id}


def _made(made: Made) -> dict[str, str]:
    return {"account_id": made.account_id, "login": made.login, "one_time_password": made.password}
