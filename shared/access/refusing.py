"""How a refusal at the gate is told: to a client as a problem, to a browser in words, or by leading it to sign in."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from shared.access.sign_in_address import sign_in_address
from shared.settings import Settings
from shared.web.exchange import SECURITY_HEADERS, answer_failure
from shared.web.problems import from_exception


class Refusing:
    """The refusals of one service."""

    def __init__(self, app: FastAPI, service: str, settings: Settings) -> None:
        self._app, self._service, self._settings = app, service, settings

    def answer(self, scope: Scope, refusal: Exception) -> Response:
        """The answer to a request that is not let through."""
        answer = self._to_browser(scope, refusal) if _reads_pages(scope) else None
        if answer is None:
            told = answer_failure(refusal)
            answer = Response(told.body, told.status, dict(told.headers), told.content_type)
        for name, value in SECURITY_HEADERS:
            answer.headers.setdefault(name.decode(), value.decode())
        return answer

    def _to_browser(self, scope: Scope, refusal: Exception) -> Response | None:
        problem, pages = from_exception(refusal), getattr(self._app.state, "pages", None)
        if problem is None:
            return None
        if problem.status == 401:
            return RedirectResponse(sign_in_address(self._settings, scope, self._service), 303)
        if pages is None:
            return None
        # Templates and languages take a while to load; a service without pages never needs them.
        from shared.web.pages.rendering import Page
        from shared.web.pages.routing import refuse

        return refuse(Page(pages, Request(scope), None), problem)


def _reads_pages(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"text/html" in headers.get(b"accept", b"") and b"authorization" not in headers
