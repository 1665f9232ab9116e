"""A topic filled by hand-packed XADD on a bare socket: the quickest client there can be in Python."""

import socket
from collections.abc import Sequence
from pathlib import Path

import hiredis

TOPIC = "intake"
BATCH = 500
RECEIVE_BYTES = 65536


def fill(server: Path, entries: Sequence[bytes]) -> None:
    """Add `entries` under the ids `1-0`, `2-0` ...: 500 commands in flight, every reply read."""
    reader = hiredis.Reader()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(server))
        for first in range(0, len(entries), BATCH):
            batch = entries[first : first + BATCH]
            connection.sendall(b"".join(map(_xadd, range(first + 1, first + 1 + len(batch)), batch)))
            _read_replies(connection, reader, len(batch))


def _xadd(position: int, entry: bytes) -> bytes:
    entry_id = b"%d-0" % position
    return b"*5\r\n$4\r\nXADD\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$8\r\n__data__\r\n$%d\r\n%b\r\n" % (
        len(TOPIC),
        TOPIC.encode(),
        len(entry_id),
        entry_id,
        len(entry),
        entry,
    )


def _read_replies(connection: socket.socket, reader: "hiredis.Reader", count: int) -> None:
    while count:
        received = connection.recv(RECEIVE_BYTES)
        if not received:
            raise ConnectionError("the server closed the connection")
        reader.feed(received)
        while (reply := reader.gets()) is not False:
            if isinstance(reply, Exception):
                raise reply
            count -= 1
