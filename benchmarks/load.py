"""A lean load generator: keep-alive HTTP/1.1 connections on raw sockets, one request in flight on each.

Requests are packed before the clock starts and answers are only counted, so that on two cores the generator
leaves the server the greater part. It runs in a process of its own, and by hand against any URL:

    python -m benchmarks.load http://127.0.0.1:8001/visits --requests 20000 --body visit.json --keys
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import NamedTemporaryFile
from typing import cast
from urllib.parse import SplitResult, urlsplit

import uvloop

from benchmarks.servers import python
from shared.ids import new_id

CONNECTIONS = 64
KEY_MARK = b"@KEY@"
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """What came of it. `rate` is answers a second, `statuses` counts answers by status code."""

    rate: float
    p50_ms: float
    p99_ms: float
    statuses: dict[str, int]


def drive(
    url: str,
    body: bytes,
    *,
    requests: int,
    connections: int = CONNECTIONS,
    content_type: str = "application/json",
    keys: bool = False,
) -> Load:
    """POST `body` to `url` from another process. `keys` sends a fresh `Idempotency-Key` with each request.

    Each `@KEY@` inside the body is replaced by a fresh key too: the lines of an NDJSON batch need their own.
    """
    with NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        options = ["--requests", str(requests), "--connections", str(connections)]
        options += ["--body", file.name, "--content-type", content_type, *(["--keys"] if keys else [])]
        with python("-m", "benchmarks.load", url, *options) as process:
            return Load(**json.loads(process.communicate()[0]))


def packed_requests(url: SplitResult, body: bytes, content_type: str, keys: bool, count: int) -> list[bytes]:
    """`count` whole requests, as they go over the wire."""
    return [_packed(url, _with_fresh_keys(body), content_type, keys) for _ in range(count)]


def _with_fresh_keys(body: bytes) -> bytes:
    first, *others = body.split(KEY_MARK)
    return first + b"".join(str(new_id()).encode() + other for other in others)


def _packed(url: SplitResult, body: bytes, content_type: str, keys: bool) -> bytes:
    key = f'Idempotency-Key: "{new_id()}"\r\n' if keys else ""
    head = (
        f"POST {url.path or '/'} HTTP/1.1\r\nHost: {url.netloc}\r\n{key}"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Desk(asyncio.Protocol):
    """One connection: sends the next request as soon as the answer to the last is complete."""

    def __init__(self, requests: Iterator[bytes], latencies_ms: list[float], statuses: Counter[str]) -> None:
        self.requests, self.latencies_ms, self.statuses = requests, latencies_ms, statuses
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = b""
        self.waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for `ask`: nobody starts before all are connected."""
        # uvloop's transports are no subclass of asyncio's.
        self.transport = cast("asyncio.Transport", transport)

    def ask(self) -> None:
        """Send the next request, or hang up when there is none."""
        request = next(self.requests, None)
        self.waiting = request is not None
        if request is None:
            self.transport.close()
            return
        self.asked_at = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Count the answer once all of it is here."""
        self.received = self.received + data if self.received else data
        if is_whole(self.received):
            self.latencies_ms.append((time.perf_counter() - self.asked_at) * 1000)
            self.statuses[self.received[9:12].decode()] += 1
            self.received = b""
            self.ask()

    def connection_lost(self, _error: Exception | None) -> None:
        """An unanswered request is counted as `lost`."""
        if self.waiting:
            self.statuses["lost"] += 1
        self.finished.set_result(None)


def is_whole(answer: bytes) -> bool:
    """Whether these bytes are one complete answer: by its content length, or by the last chunk."""
    head_end = answer.find(HEAD_END)
    if head_end < 0:
        return False
    head = answer[:head_end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return answer.endswith(b"0\r\n\r\n")
    length = int(head[at + 15 :].partition(b"\r\n")[0])
    return len(answer) >= head_end + 4 + length


async def run(url: SplitResult, requests: list[bytes], connections: int) -> Load:
    """Send them all over `connections` connections, each as fast as it is answered."""
    latencies_ms: list[float] = []
    statuses: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    host, port = url.hostname or "127.0.0.1", url.port or 80
    desks = [
        (await loop.create_connection(lambda: Desk(waiting, latencies_ms, statuses), host, port))[1]
        for _ in range(connections)
    ]
    started = time.perf_counter()
    for desk in desks:
        desk.ask()
    await asyncio.gather(*(desk.finished for desk in desks))
    took_s = time.perf_counter() - started
    centiles = quantiles(latencies_ms, n=100) if len(latencies_ms) > 1 else [0.0] * 99
    return Load(len(latencies_ms) / took_s, centiles[49], centiles[98], dict(statuses))


def main() -> None:
    """Print the result as one JSON document."""
    parser = argparse.ArgumentParser(description="POST one body again and again.")
    parser.add_argument("url", type=urlsplit)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--content-type", default="application/json")
    parser.add_argument("--keys", action="store_true", help="a fresh Idempotency-Key with each request")
    asked = parser.parse_args()
    packed = packed_requests(asked.url, asked.body.read_bytes(), asked.content_type, asked.keys, asked.requests)
    print(json.dumps(asdict(uvloop.run(run(asked.url, packed, asked.connections)))))


if __name__ == "__main__":
    main()
