"""Waits until a house has nothing left to do, and gathers what an auditor wants to see."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
from sqlalchemy import make_url

from services import SERVICES
from shared.bus import connect
from tests.auditing import Evidence, Finding, History, Stored, audit
from tests.system.place import Place, until

SELECT = "SELECT partition, position, stream, version, entry FROM events ORDER BY partition, position"
QUESTIONS = {
    "visits": ("channel", "category", "site", "language", "need"),
    "requests": ("category", "status"),
    "referrals": ("partner", "category", "status"),
    "answers": ("partner", "delay"),
    "answer_days": ("partner",),
    "outcomes": ("partner", "delay"),
    "outcome_days": ("partner",),
    "places": ("partner",),
    "permanences_cancelled": ("partner",),
    "handovers": ("partner", "result"),
    "minutes_to_partner": ("partner",),
    "needs": ("category", "reason"),
    "arrivals": ("result", "wait"),
    "waiting": ("result",),
    "invitations": ("status",),
}


async def audited(place: Place, history: History, *, kept_as: Path | None = None) -> list[Finding]:
    """Drain the house, gather the evidence, and say everything that is wrong."""
    async with httpx.AsyncClient(timeout=60) as client:
        await place.ready(client)
        await drained(place, client)
        evidence = await gather(place, client)
    findings = audit(history, evidence)
    if findings and kept_as:
        history.write(kept_as)
    return findings


async def drained(place: Place, client: httpx.AsyncClient) -> None:
    """Wait until every reader stands at the head of its log."""
    await heard(place, client, letters=False)


async def heard(place: Place, client: httpx.AsyncClient, *, letters: bool = True) -> None:
    """The same, whatever was put aside on the way (`letters`)."""
    await until(lambda: _is_heard(place, client, letters=letters), "every reader stands at the head of its log")


async def _is_heard(place: Place, client: httpx.AsyncClient, *, letters: bool) -> bool:
    try:
        states = {name: await place.ask(client, name, "status") for name in SERVICES}
    except httpx.TransportError:
        return False
    heads = {name: state["heads"] for name, state in states.items()}
    # A head read before a checkpoint may be behind it; the other way round there is something left to do.
    return all(
        reader["checkpoint"] >= heads[reader["topic"]][str(reader["partition"])]
        for state in states.values()
        for reader in state["subscribers"]
    ) and (letters or not any(state["dead_letters"] for state in states.values()))


async def gather(place: Place, client: httpx.AsyncClient) -> Evidence:
    """Logs, figures, topics and queues of a drained house."""
    logs = {name: await _log(place, client, name) for name in ("intake", "referral")}
    figures = await _figures(place, client)
    ends: dict[str, int] = {}
    for event in sorted(logs["referral"], key=lambda each: each.position):
        ends[event.data.get("partner", "coordinator")] = event.position
    bus: Any = connect(place.redis_url)
    async with bus:
        await until(lambda: _queues_end_at(bus, ends), "every queue ends where the log does")
        queues = {partner: await _entries(bus, f"queue:{partner}") for partner in ends}
        keys = [key.decode() async for key in bus.scan_iter("topic:*")]
        topics = {(key.split(":")[1], int(key.split(":")[2])): await _entries(bus, key) for key in keys}
    return Evidence(logs["intake"], logs["referral"], figures, topics, queues)


async def _log(place: Place, client: httpx.AsyncClient, service: str) -> list[Stored]:
    if place.database_url:
        url = make_url(place.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, options=f"-c search_path={service}") as connection:
            return stored(connection.execute(SELECT).fetchall())
    copy = place.data / f"{service}.copy"
    copy.unlink(missing_ok=True)
    await place.tell(client, service, "copy", target=str(copy))
    connection_to_copy = sqlite3.connect(copy)
    try:
        return stored(connection_to_copy.execute(SELECT).fetchall())
    finally:
        connection_to_copy.close()


def stored(rows: Iterable[Any]) -> list[Stored]:
    """Rows of `SELECT` as an auditor reads them."""
    found = []
    for partition, position, stream, version, entry in rows:
        document = json.loads(entry)
        place = (partition, position, stream, version)
        found.append(Stored(*place, document["type"], document["time"], document["data"], entry))
    return found


async def _figures(place: Place, client: httpx.AsyncClient) -> Mapping[str, int]:
    figures: dict[str, int] = defaultdict(int)
    for figure, dimensions in QUESTIONS.items():
        total = await client.get(f"{place.urls['stats']}/stats/{figure}")
        figures[figure] = total.json()["rows"][0]["count"]
        for by in dimensions:
            divided = await client.get(f"{place.urls['stats']}/stats/{figure}", params={"by": by})
            for row in divided.json()["rows"]:
                figures[f"{figure}/{by}={row[by]}"] = row["count"]
    return figures


async def _queues_end_at(bus: Any, ends: Mapping[str, int]) -> bool:
    for partner, end in ends.items():
        if await _last(bus, f"queue:{partner}") != end:
            return False
    return True


async def _last(bus: Any, key: str) -> int:
    newest = await bus.xrevrange(key, count=1)
    return int(newest[0][0].split(b"-")[0]) if newest else 0


async def _entries(bus: Any, key: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for entry_id, fields in await bus.xrange(key):
        found[int(entry_id.split(b"-")[0])] = fields[b"__data__"].decode()
    return found
