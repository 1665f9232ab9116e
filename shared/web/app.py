"""The FastAPI application that every service starts from: problems for errors, health, no surprises."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from shared.database import StoreUnavailable
from shared.log import KeyReused, VersionConflict
from shared.telemetry.metrics import Telemetry
from shared.web.edge import Edge
from shared.web.exchange import SECURITY_HEADERS, answer_failure
from shared.web.parameters import only_known_parameters
from shared.web.problems import CONTENT_TYPE, Problem, from_findings

Health = Callable[[], Awaitable[dict[str, Any]]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with problems of these statuses."""
    return dict.fromkeys(statuses, PROBLEM_RESPONSE)


def new_app(title: str, description: str, health: Health, lifespan: Lifespan, telemetry: Telemetry) -> FastAPI:
    """An application with health routes and our errors. `health` answers with `ready` and what it rests on."""
    app = FastAPI(
        title=title,
        description=description,
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # A redirect repeats the Host that was sent, whoever's it is.
        redirect_slashes=False,
        # What the gate may answer, whatever is asked for; then what nobody is spared.
        responses=problems(400, 401, 403, 431, 500, 503),
        dependencies=[Depends(only_known_parameters)],
    )
    # Named one by one: what only `Exception` catches is also logged as a failure of ours.
    for foreseen in (Problem, StoreUnavailable, KeyReused, VersionConflict):
        app.add_exception_handler(foreseen, _failure)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _failure)
    _describe_problems(app)

    app.add_middleware(Edge, answered=telemetry.answered)

    @app.get("/health/live", summary="The process answers", tags=["health"])
    async def live() -> dict[str, bool]:
        return {"live": True}

    @app.get(
        "/health/ready",
        summary="It reads its topics and its database",
        tags=["health"],
        responses=problems(503),
    )
    async def ready(response: Response) -> dict[str, Any]:
        state = await health()
        response.status_code = 200 if state["ready"] else 503
        return state

    return app


def _describe_problems(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", PROBLEM_SCHEMA)
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for path in document["paths"].values():
            for operation in path.values():
                for parameter in operation.get("parameters", ()):
                    parameter["schema"] = _never_null(parameter["schema"])
                    # Optional for the framework, so that its absence gets our 428 and no 422.
                    if parameter["name"] == "If-Match" and "428" in operation["responses"]:
                        parameter["required"] = True
                if "422" in operation.get("responses", {}):
                    operation["responses"]["422"] = PROBLEM_RESPONSE
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or left out: `anyOf` with null is how Python says so, and on the wire it is not so."""
    some = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**some[0], **rest} if len(some) == 1 else schema


async def _failure(_request: Request, error: Exception) -> Response:
    answer = answer_failure(error)
    headers = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
    return Response(answer.body, answer.status, {**headers, **answer.headers}, answer.content_type)


async def _bad_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # Their places begin with where they came from (query, path, header): the client knows.
    return await _failure(request, from_findings([{**found, "loc": found["loc"][1:]} for found in error.errors()]))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    slug = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
    detail = {
        404: "There is nothing at this address. /openapi.json lists what there is.",
        405: "This address takes other methods. /openapi.json lists them.",
    }.get(error.status_code, str(error.detail))
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = _methods_at(request)
    problem = Problem(error.status_code, slug, str(error.detail), detail, headers=headers)
    return await _failure(request, problem)


def _methods_at(request: Request) -> str:
    """What an address takes. The framework names the methods of one route, of several that share the template."""
    template = getattr(request.scope.get("route"), "path", None)
    found = [route for route in iter_route_contexts(request.app.routes) if route.path == template]
    return ", ".join(sorted({method for route in found for method in route.methods or ()}))
