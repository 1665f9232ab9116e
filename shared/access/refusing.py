"""How a refusal at the gate is told: to a client as a problem, to a browser in words, or by leading it to sign in."""

from contextlib import suppress
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope

from shared.access.sign_in_address import asked_for, sign_in_address, sign_in_page
from shared.settings import Settings
from shared.web.exchange import SECURITY_HEADERS, answer_failure
from shared.web.problems import Problem, from_exception

if TYPE_CHECKING:
    from shared.web.pages.rendering import Page


class Refusing:
    """The refusals of one service."""

    def __init__(self, app: FastAPI, service: str, settings: Settings) -> None:
        self._app, self._service, self._settings = app, service, settings

    async def answer(self, scope: Scope, receive: Receive, refusal: Exception) -> Response:
        """The answer to a request that is not let through."""
        answer = await self._to_browser(scope, receive, refusal) if _reads_pages(scope) else None
        if answer is None:
            told = answer_failure(refusal)
            answer = Response(told.body, told.status, dict(told.headers), told.content_type)
        for name, value in SECURITY_HEADERS:
            answer.headers.setdefault(name.decode(), value.decode())
        return answer

    async def _to_browser(self, scope: Scope, receive: Receive, refusal: Exception) -> Response | None:
        problem, pages = from_exception(refusal), getattr(self._app.state, "pages", None)
        if problem is None:
            return None
        if problem.status == 401 and scope["method"] in ("GET", "HEAD"):
            return RedirectResponse(sign_in_address(self._settings, scope, self._service), 303)
        if pages is None:
            return None
        # Templates and languages take a while to load; a service without pages never needs them.
        from shared.web.pages.rendering import Page
        from shared.web.pages.routing import refuse

        page = Page(pages, Request(scope, receive), None)
        if problem.status == 401:
            # Refused here, it came from a page of ours (`check_origin`): nobody else can have his fields shown.
            with suppress(Problem):
                return await self._kept(page, scope)
            return RedirectResponse(sign_in_page(self._settings, scope, self._service), 303)
        return refuse(page, problem)

    async def _kept(self, page: "Page", scope: Scope) -> Response:
        """What was filled in while a session ran out, to be sent again after signing in beside it."""
        from shared.web.pages.forms import fields_sent

        sign_in = sign_in_page(self._settings, scope, self._service)
        fields = await fields_sent(page.request)
        answer = page.render("session_over.html", 401, sign_in=sign_in, address=asked_for(scope), fields=fields)
        answer.headers["WWW-Authenticate"] = 'Bearer realm="maison"'
        return answer


def _reads_pages(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"text/html" in headers.get(b"accept", b"") and b"authorization" not in headers
