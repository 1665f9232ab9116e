"""A partner's worker who takes on what lies in the queues, each under a key, until told to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.auditing.history import ANSWER, COUNT, History
from tests.system.desks import ANSWER_S_MAX, RETRY_S
from tests.system.place import Place

LOOK_EVERY_S = 0.2


@asynccontextmanager
async def at_work(place: Place, history: History) -> AsyncIterator[None]:
    """Referrals are accepted, and the counter of visits is read, for as long as the block lasts."""
    async with httpx.AsyncClient(timeout=ANSWER_S_MAX) as client:
        tasks = [
            asyncio.create_task(_forever(_accept_some, place, client, history)),
            asyncio.create_task(_forever(_read_counter, place, client, history)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _forever(step: Any, place: Place, client: httpx.AsyncClient, history: History) -> None:
    while True:
        try:
            await step(place, client, history)
        except httpx.HTTPError:
            # Nobody answers, or not as wished: the worker looks again.
            await asyncio.sleep(RETRY_S)
        await asyncio.sleep(LOOK_EVERY_S)


async def _accept_some(place: Place, client: httpx.AsyncClient, history: History) -> None:
    partners = (await client.get(f"{place.urls['referral']}/partners")).raise_for_status()
    for partner in partners.json():
        query: dict[str, str | int] = {"status": "issued", "limit": 2}
        page = await client.get(f"{place.urls['referral']}/queues/{partner['code']}", params=query)
        for item in page.raise_for_status().json()["items"]:
            await _accept(place, client, history, item)
            await asyncio.sleep(LOOK_EVERY_S)


async def _accept(place: Place, client: httpx.AsyncClient, history: History, item: dict[str, Any]) -> None:
    referral = item["referral_id"]
    headers = {"If-Match": f'"{item["version"]}"', "Idempotency-Key": f"accept-{referral}"}
    while True:
        n = history.invoke("partner", ANSWER, {"referral_id": referral})
        try:
            answer = await client.post(f"{place.urls['referral']}/referrals/{referral}/accept", headers=headers)
        except httpx.TransportError as error:
            history.ends("partner", n, ANSWER, "info", type(error).__name__)
        else:
            if answer.status_code == httpx.codes.OK:
                history.ends("partner", n, ANSWER, "ok", answer.json()["status"])
                return
            history.ends("partner", n, ANSWER, "info" if answer.status_code >= 500 else "fail", answer.text)
        await asyncio.sleep(RETRY_S)


async def _read_counter(place: Place, client: httpx.AsyncClient, history: History) -> None:
    n = history.invoke("reader", COUNT, "visits")
    try:
        answer = await client.get(f"{place.urls['stats']}/stats/visits")
    except httpx.TransportError as error:
        history.ends("reader", n, COUNT, "info", type(error).__name__)
        raise
    if answer.status_code == httpx.codes.OK:
        history.ends("reader", n, COUNT, "ok", answer.json()["rows"][0]["count"])
    else:
        history.ends("reader", n, COUNT, "info", answer.status_code)
