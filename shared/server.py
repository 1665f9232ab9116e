"""Serve one application over HTTP, until told to stop."""

import socket

import uvicorn
import uvloop
from starlette.types import ASGIApp

from shared.telemetry.journal import keep_journal
from shared.web.bounded import BoundedReading

GRACE_S = 5
"""How long open requests, live pages among them, are waited for at the end."""


def serve(app: ASGIApp, service: str, host: str, port: int, proxy: str = "") -> None:
    """Serve until SIGTERM or SIGINT; open requests are finished. Port 0 takes any free one, and says which.

    `proxy`: the address of a proxy that is believed when it says who calls.
    """
    keep_journal(service)
    config = uvicorn.Config(
        app,
        http=BoundedReading,
        loop="uvloop",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        # Whom a stranger's header names as the caller would be believed otherwise.
        proxy_headers=bool(proxy),
        forwarded_allow_ips=proxy or None,
        timeout_graceful_shutdown=GRACE_S,
    )
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    uvloop.run(_run(uvicorn.Server(config), listening))


async def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    await server.serve(sockets=[listening])
    if not server.started:
        raise SystemExit(1)
