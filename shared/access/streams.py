"""Live streams of somebody who was let in: few at a time, and closed soon after a session or a token has ended.

Whoever reads a stream was let in when it began; it may go on for days. With each of its beats, at most once in
`LOOK_AGAIN_S`, it is looked up again whether the reader may still read, without that counting as a use.
"""

import asyncio
import time
from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.access.credentials import Credential, Kind
from shared.access.door import Door
from shared.web.exchange import answer_problem, respond
from shared.web.problems import Problem

OPEN_MAX = {Kind.SESSION: 3, Kind.TOKEN: 50}
"""Streams at once for one credential: a person has few eyes, a machine serves many screens."""
LOOK_AGAIN_S = 5.0


class LiveStreams:
    """The open streams of one service."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._open: Counter[bytes] = Counter()

    async def serve(self, served: ASGIApp, credential: Credential, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until it ends, or until its reader may not read on."""
        if self._open[credential.digest] >= OPEN_MAX[credential.kind]:
            await respond(send, answer_problem(_too_many()))
            return
        self._open[credential.digest] += 1
        reader = _Reader(receive, send)
        looked_at = time.monotonic()

        async def sending(message: Message) -> None:
            nonlocal looked_at
            if time.monotonic() - looked_at >= LOOK_AGAIN_S:
                looked_at = time.monotonic()
                if not await self._may_read_on(credential):
                    reader.sent_away.set()
            await reader.send(message)

        try:
            await served(scope, reader.receive, sending)
            await reader.finish()
        finally:
            self._open[credential.digest] -= 1
            # What is nought need not be kept.
            self._open += Counter()

    async def _may_read_on(self, credential: Credential) -> bool:
        try:
            return await self._door.who(credential, uses=False) is not None
        except Problem:
            # Nobody could say it for so long that whoever is asked for anew would be told to come back, too.
            return False


class _Reader:
    """The reader of a stream, as the application sees it: one who was sent away has hung up."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._begun = False
        self.sent_away = asyncio.Event()

    async def receive(self) -> Message:
        """What the reader says, or that it is gone."""
        hearing = asyncio.ensure_future(self._receive())
        leaving = asyncio.ensure_future(self.sent_away.wait())
        try:
            await asyncio.wait({hearing, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return hearing.result() if hearing.done() else {"type": "http.disconnect"}
        finally:
            hearing.cancel()
            leaving.cancel()

    async def send(self, message: Message) -> None:
        """Pass a message on to a reader that may still have it."""
        if not self.sent_away.is_set():
            await self._send(message)
            self._begun = True

    async def finish(self) -> None:
        """The last word to one who was sent away: it sees an end and no breach, and what it asks next is refused."""
        if self.sent_away.is_set() and self._begun:
            await self._send({"type": "http.response.body", "body": b""})


def _too_many() -> Problem:
    return Problem(
        429, "too-many-streams", "Too many live pages", "Close one of the live pages first.",
        headers={"Retry-After": "15"},
    )  # fmt: skip
