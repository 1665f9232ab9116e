"""Routes that answer with pages: the language is settled before, and a refusal is a page as well."""

import logging
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shared.web.pages.forms import FormFaults
from shared.web.pages.reader import reader_of
from shared.web.pages.rendering import Page, Pages
from shared.web.pages.telling import told
from shared.web.problems import Problem, from_exception, invalid

_log = logging.getLogger(__name__)
Answering = Callable[[Request], Coroutine[Any, Any, Response]]


class _PageRoute(APIRoute):
    """Every route knows `?lang=`; no handler need name it."""

    def get_route_handler(self) -> Answering:
        answer = super().get_route_handler()

        async def answer_page(request: Request) -> Response:
            pairs = parse_qsl(request.url.query, keep_blank_values=True)
            asked = next((value for name, value in pairs if name == "lang"), None)
            rest = urlencode([(name, value) for name, value in pairs if name != "lang"])
            request = Request({**request.scope, "query_string": rest.encode()}, request.receive)
            request.state.page = page = Page(request.app.state.pages, request, asked)
            try:
                return await answer(request)
            except Exception as error:
                return refuse(page, _problem(error))

        return answer_page


def PageRouter() -> APIRouter:  # noqa: N802 - used as the class that it stands for
    """A router for pages; they are no part of the OpenAPI document."""
    return APIRouter(route_class=_PageRoute, include_in_schema=False)


async def _page(request: Request) -> Page:
    page: Page = request.state.page
    return page


Asked = Annotated[Page, Depends(_page)]
"""The parameter by which a page's function is handed its `Page`."""


def refuse(page: Page, problem: Problem) -> Response:
    """A problem as a page: what is wrong, what to do, in words."""
    title, remedy = told(problem)
    answer = page.render("problem.html", problem.status, title=title, remedy=remedy)
    for name, value in problem.headers.items():
        answer.headers[name] = value
    return answer


def _problem(error: Exception) -> Problem:
    match error:
        case RequestValidationError() | FormFaults():
            return invalid([])
        case HTTPException():
            return Problem(error.status_code, "http", "Refused", str(error.detail))
    problem = from_exception(error)
    if problem is None:
        _log.error("unforeseen failure", exc_info=error)
        problem = Problem(500, "unforeseen", "Unforeseen failure", "Nothing is known of what went wrong. Try again.")
    return problem


def add_pages(app: FastAPI, pages: Pages, *routers: APIRouter) -> None:
    """Serve the pages of these routers, made by `PageRouter`, the static files, and a page for a lost browser."""

    async def static(request: Request) -> Response:
        return await pages.statics.answer(request)

    async def first_page(request: Request) -> Response:
        # Whoever types the house's name is brought to what they came for.
        assert pages.menu is not None
        return RedirectResponse(pages.menu.first(request, reader_of(request)), 303)

    app.state.pages = pages
    app.router.routes.append(Route("/static/{service}/{place}/{name}", static, include_in_schema=False))
    if pages.menu:
        app.router.routes.append(Route("/", first_page, include_in_schema=False))
    for router in routers:
        app.include_router(router)
    _tell_browsers(app)


def _tell_browsers(app: FastAPI) -> None:
    """An address that no route knows is told as a page to whoever reads pages, and to others as it was before."""
    for_clients: Any = app.exception_handlers.get(HTTPException)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if "text/html" in request.headers.get("accept", ""):
            return refuse(Page(request.app.state.pages, request, None), _problem(error))
        answer: Response = await for_clients(request, error)
        return answer

    app.add_exception_handler(HTTPException, refused)
