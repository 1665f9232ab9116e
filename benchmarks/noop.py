"""The cheapest ASGI application there can be: what the HTTP server itself costs.

It runs with the settings of a real service: uvloop, httptools, no access log, one worker.
"""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from benchmarks.servers import python

START = {
    "type": "http.response.start",
    "status": 201,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
}
BODY = {"type": "http.response.body", "body": b"{}"}


async def application(
    _scope: dict[str, Any], _receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
) -> None:
    """Answer 201 to everything, without looking at it."""
    await send(START)
    await send(BODY)


@contextmanager
def running() -> Iterator[str]:
    """The application served by a process of its own, on a free port; gives its URL."""
    with python("-m", "benchmarks.noop") as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


async def serve() -> None:
    """Serve until stopped; the first line printed is the URL."""
    config = uvicorn.Config(
        application,
        port=0,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="error",
    )
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    print(f"http://127.0.0.1:{socket.getsockname()[1]}/", flush=True)
    await server.serve(sockets=[socket])


if __name__ == "__main__":
    import uvloop

    sys.exit(uvloop.run(serve()))
