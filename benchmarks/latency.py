"""One visit from its POST to its counter, through the whole house, at 100 visits a second.

A visit is counted when stats has committed it under its category; its referral's count, a commit of a third service
later, is measured beside it. Requests are sent on the clock, whether or not earlier ones were answered.
"""

import asyncio
import json
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.load import HEAD_END, is_whole, packed_requests
from benchmarks.post_visits import VISIT
from benchmarks.servers import folder, python
from services.house import House, running
from shared.settings import Settings

VISITS_PER_S = 100
WARM_UP = 50
SETTLE_S = 2.0


class Latencies(NamedTuple):
    """Milliseconds from the POST, a list each: to its answer, to the visit's count, to its referral's count."""

    answered: list[float]
    visit_counted: list[float]
    referral_counted: list[float]


_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Sent(NamedTuple):
    at: float
    answered_at: float
    position: int


def p50(count: int) -> float:
    """Half of the visits are counted within these milliseconds."""
    return median(measured(count).visit_counted)


def routed_p50(count: int) -> float:
    """Half of the visits are routed, and their referrals counted, within these milliseconds."""
    return median(measured(count).referral_counted)


def p99(count: int) -> float:
    """99 of 100 are; of a run of its own."""
    return quantiles(measured(count).visit_counted, n=100)[98]


def measured(count: int) -> Latencies:
    """Latencies of `count` visits."""
    with folder() as home:
        return asyncio.run(_measured(home, count))


async def _measured(home: Path, count: int) -> Latencies:
    settings = Settings(data=home, database_url="", redis_url="")
    async with running(House(settings, free_ports=True)) as house:
        await asyncio.sleep(SETTLE_S)
        every = count + WARM_UP
        watch = ["-m", "benchmarks.watch", str(home / "stats.sqlite3")]
        with python(*watch, "intake", str(2 * every)) as visits, python(*watch, "referral", str(every)) as referrals:
            for process in (visits, referrals):
                assert process.stdout is not None
                await asyncio.to_thread(process.stdout.readline)
            sent = await _send(house.urls["intake"], every)
            visit_moves = json.loads((await asyncio.to_thread(visits.communicate))[0])
            referral_moves = json.loads((await asyncio.to_thread(referrals.communicate))[0])
    return _latencies(sent, visit_moves, referral_moves)


async def _send(url: str, count: int) -> list[_Sent]:
    """POST `count` visits, one each hundredth of a second, each over a connection that is free, or a new one."""
    place = urlsplit(f"{url}/visits")
    assert place.hostname
    requests = packed_requests(place, VISIT, "application/json", keys=True, count=count)
    free: list[_Connection] = []
    started = time.monotonic()
    tasks = []
    for number, request in enumerate(requests):
        await asyncio.sleep(max(0.0, started + number / VISITS_PER_S - time.monotonic()))
        tasks.append(asyncio.create_task(_post(place.hostname, place.port, free, request)))
    sent = await asyncio.gather(*tasks)
    for _, writer in free:
        writer.close()
    return sent


async def _post(host: str, port: int | None, free: list[_Connection], request: bytes) -> _Sent:
    reader, writer = connection = free.pop() if free else await asyncio.open_connection(host, port)
    at = time.monotonic()
    writer.write(request)
    answer = b""
    while not is_whole(answer):
        answer += await reader.read(65536)
    answered_at = time.monotonic()
    free.append(connection)
    assert answer[9:12] == b"201", answer[:200]
    return _Sent(at, answered_at, int(json.loads(answer.partition(HEAD_END)[2])["position"]))


def _latencies(
    sent: Sequence[_Sent], visit_moves: list[tuple[int, float]], referral_moves: list[tuple[int, float]]
) -> Latencies:
    # Each visit has one request, which is always referred: the n-th visit of the log has the n-th referral.
    in_order = sorted(sent, key=lambda one: one.position)
    found = Latencies([], [], [])
    for number, one in enumerate(in_order[WARM_UP:], start=WARM_UP + 1):
        found.answered.append((one.answered_at - one.at) * 1000)
        found.visit_counted.append((_reached(visit_moves, one.position) - one.at) * 1000)
        found.referral_counted.append((_reached(referral_moves, number) - one.at) * 1000)
    return found


def _reached(moves: list[tuple[int, float]], position: int) -> float:
    return moves[bisect_left(moves, position, key=lambda move: move[0])][1]
