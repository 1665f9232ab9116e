"""Lines between a house and its servers that a test can cut, slow down, or let go silent: an own small TCP proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

CHUNK = 65_536
Way = Literal["there", "back"]
THERE: frozenset[Way] = frozenset({"there"})
BACK: frozenset[Way] = frozenset({"back"})
BOTH_WAYS = THERE | BACK


class _Line:
    """One connection and what it is passed on by."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near, self.far = near, far
        self.has_lost_something = False

    def cut(self) -> None:
        """A reset on both sides."""
        for writer in (self.near, self.far):
            writer.transport.abort()


class Lines:
    """All connections to one server. `port` is where the house is told that the server is."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._open: dict[_Line, None] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._silent: frozenset[Way] = frozenset()
        self._delay_s = 0.0
        self._is_closed = False
        self.port = 0
        self.struck = 0

    async def listen(self) -> None:
        """Take connections from now on."""
        self._server = await asyncio.start_server(self._took, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut everything and take nothing more."""
        assert self._server is not None
        self._is_closed = True
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection there is."""
        self.struck += len(self._open)
        for line in list(self._open):
            line.cut()

    def go_silent(self, ways: frozenset[Way] = BOTH_WAYS) -> None:
        """What is sent is lost from now on, and nobody is told: half-open connections."""
        self._silent = ways

    def slow_down(self, delay_s: float) -> None:
        """Every piece takes so much longer."""
        self._delay_s = delay_s

    def heal(self) -> None:
        """All is well again; a connection that has lost something is known to nobody on the way, and is reset."""
        self._silent, self._delay_s = frozenset(), 0.0
        for line in list(self._open):
            if line.has_lost_something:
                self.struck += 1
                line.cut()

    async def _took(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            far_reader, far = await asyncio.open_unix_connection(self._socket_path)
        except OSError:
            near.transport.abort()
            return
        line = _Line(near, far)
        if self._is_closed:
            # It was on its way while the others were cut.
            line.cut()
            return
        self._open[line] = None
        for way, reader, writer in (("there", near_reader, far), ("back", far_reader, near)):
            task = asyncio.create_task(self._pass_on(line, "there" if way == "there" else "back", reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, line: _Line, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._delay_s:
                    self.struck += 1
                    await asyncio.sleep(self._delay_s)
                if way in self._silent or line.has_lost_something:
                    line.has_lost_something = True
                else:
                    writer.write(data)
                    await writer.drain()
        self._open.pop(line, None)
        line.cut()


@asynccontextmanager
async def lines_to(socket_path: str) -> AsyncIterator[Lines]:
    """Lines to the server behind a UNIX socket, for as long as the block lasts."""
    lines = Lines(socket_path)
    await lines.listen()
    try:
        yield lines
    finally:
        await lines.close()
