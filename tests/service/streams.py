"""A live stream as a browser reads it: events with an id, cut off at will, resumed by `Last-Event-ID`."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx


class ServerSent(NamedTuple):
    """One event of a stream."""

    id: str
    event: str
    data: dict[str, Any]


@asynccontextmanager
async def listening(url: str, last_id: str | None = None) -> AsyncIterator[AsyncIterator[ServerSent]]:
    """The events of a stream; the connection is cut when the block ends."""
    headers = {"Last-Event-ID": last_id} if last_id is not None else {}
    async with httpx.AsyncClient(timeout=30) as client, client.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield _events(answer)


async def _events(answer: httpx.Response) -> AsyncIterator[ServerSent]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name in {"id", "event", "data"}:
            fields[name] = value
        elif not line and "data" in fields:
            yield ServerSent(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
