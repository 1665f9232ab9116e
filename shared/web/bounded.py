"""The HTTP protocol of our server: uvicorn's, with an end to how much of a head it reads, and how long it waits.

uvicorn gathers a head of any size before the application sees it, and waits for its end for ever.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_BYTES_MAX = 64 * 1024
READ_S_MAX = 30.0
"""From the first byte of a request that does not come at once to its last."""


class BoundedReading(HttpToolsProtocol):
    """To be given to uvicorn as `http`. A request that comes whole costs it two comparisons."""

    _in_head = _in_request = False
    _head_bytes = 0
    _patience: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Read on, unless it is too much."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES_MAX:
                self._refuse(431, b"The head is too large")
        if self._in_request and self._patience is None:
            self._patience = self.loop.call_later(READ_S_MAX, self._lose_patience)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = self._in_request = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is whole."""
        self._in_request = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._in_head = self._in_request = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        super().connection_lost(exc)

    def _lose_patience(self) -> None:
        self._patience = None
        if self._in_head:
            self._refuse(408, b"The request did not come")
        elif self._in_request:
            # Its application is told that the client has gone; a word of ours could come after a word of its own.
            self.transport.close()

    def _refuse(self, status: int, reason: bytes) -> None:
        self._in_head = self._in_request = False
        head = b"content-type: text/plain\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(reason)
        self.transport.write(STATUS_LINE[status] + head + reason)
        self.transport.close()
