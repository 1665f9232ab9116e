"""What surrounds every answer of the framework: headers that it must carry, and the count of it."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.telemetry.metrics import Answered
from shared.web.exchange import SECURITY_HEADERS

UNMATCHED = "unmatched"


class Edge:
    """Plain ASGI, so that a live stream is passed on as it comes and ends when its reader goes."""

    def __init__(self, app: ASGIApp, answered: Answered) -> None:
        self._app, self._answered = app, answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = ended = False

        async def sending(message: Message) -> None:
            nonlocal begun, ended
            if message["type"] == "http.response.start":
                begun = True
                self._answered(scope["method"], _template(scope), message["status"])
                headers = list(message["headers"])
                present = {name.lower() for name, _ in headers}
                headers += [header for header in SECURITY_HEADERS if header[0] not in present]
                message = {**message, "headers": headers}
            else:
                ended = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            if not begun:
                self._answered(scope["method"], _template(scope), 500)
            raise
        if begun and not ended:
            # A live stream that stops with the server: its last word, so that the reader sees an end and no breach.
            await send({"type": "http.response.body", "body": b""})


def _template(scope: Scope) -> str:
    """`/visits/{visit_id}`: never the address itself, which holds ids and whatever a stranger makes up."""
    return getattr(scope.get("route"), "path", UNMATCHED)
