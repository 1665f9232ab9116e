"""The short road: one HTTP request to one answer, without a framework in between.

A busy route is written as a function from body and headers to an `Answer`. FastAPI knows it too, for OpenAPI
and for everything that is not in a hurry; `Front` calls it directly. Both roads run the same function.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.telemetry.metrics import Answered
from shared.web.problems import CONTENT_TYPE, Problem, from_exception
from shared.web.strict_json import too_large

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Answer:
    """Status, body and headers of one response."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Exchange = Callable[[bytes, Mapping[bytes, bytes]], Awaitable[Answer]]
"""(body, headers by lower-case name) -> answer."""


class ClientGone(Exception):
    """The client hung up before its request was complete."""


def answer_problem(problem: Problem) -> Answer:
    """A problem as an answer."""
    return Answer(problem.status, problem.body(), CONTENT_TYPE, problem.headers)


def answer_failure(error: Exception) -> Answer:
    """Any failure as an answer; what nobody foresaw is logged and told without details."""
    problem = from_exception(error)
    if problem is None:
        _log.error("unforeseen failure", exc_info=error)
        problem = Problem(500, "unforeseen", "Unforeseen failure", "Nothing is known of what went wrong. Try again.")
    return answer_problem(problem)


class Front:
    """Sends the named (method, path) pairs down the short road and everything else to the framework."""

    def __init__(
        self, app: ASGIApp, routes: Mapping[tuple[str, str], tuple[Exchange, int]], answered: Answered
    ) -> None:
        self._app, self._routes, self._answered = app, routes, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] == "http" and (route := self._routes.get((scope["method"], scope["path"]))):
            exchange, bytes_max = route
            try:
                answer = await run(exchange, scope, receive, bytes_max)
            except ClientGone:
                return
            self._answered(scope["method"], scope["path"], answer.status)
            await respond(send, answer)
        else:
            await self._app(scope, receive, send)


async def run(exchange: Exchange, scope: Scope, receive: Receive, bytes_max: int) -> Answer:
    """Read the body and have the exchange answer it. Never raises but `ClientGone`."""
    try:
        return await exchange(await read_body(receive, bytes_max), dict(scope["headers"]))
    except ClientGone:
        raise
    except Exception as error:
        return answer_failure(error)


async def read_body(receive: Receive, bytes_max: int) -> bytes:
    """The whole body. Raises the 413 problem as soon as it is too large, `ClientGone` when it never ends."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and message["type"] == "http.request":
        if len(body) > bytes_max:
            raise too_large(bytes_max)
        return body
    parts, size = [body], len(body)
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        if size > bytes_max:
            raise too_large(bytes_max)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])


async def respond(send: Send, answer: Answer) -> None:
    """Send a whole answer, with what every answer must carry."""
    headers: list[tuple[bytes, bytes]] = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        *SECURITY_HEADERS,
        *((name.lower().encode(), value.encode()) for name, value in answer.headers.items()),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # For what is data: shown as a page by whatever trick, it can load nothing, run nothing and be framed by nobody.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def api_route(exchange: Exchange, bytes_max: int) -> Callable[..., Any]:
    """The same exchange as an endpoint of the framework."""
    from starlette.requests import Request
    from starlette.responses import Response

    async def endpoint(request: Request) -> Response:
        answer = await run(exchange, request.scope, request.receive, bytes_max)
        return Response(answer.body, answer.status, dict(answer.headers), answer.content_type)

    endpoint.__annotations__["request"] = Request
    return endpoint
