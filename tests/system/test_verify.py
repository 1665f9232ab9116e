"""The auditor over a house that is open and busy: at every look all is at one with the logs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.house import House, running
from services.verify import Question, explain, verify
from shared.settings import Settings
from tests.system.place import until

CATEGORIES = ("social_rights", "financial", "health", "housing", "administrative")
DESKS = 4
LOOKS = 3


@asynccontextmanager
async def open_desks(house: House) -> AsyncIterator[None]:
    """Visits are recorded and referrals accepted for as long as the block runs."""
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client, asyncio.TaskGroup() as work:
        tasks = [work.create_task(record_for_ever(client, house, desk)) for desk in range(DESKS)]
        tasks.append(work.create_task(accept_for_ever(client, house)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def record_for_ever(client: httpx.AsyncClient, house: House, desk: int) -> None:
    case: dict[str, str] = {}
    number = 0
    while True:
        number += 1
        asked = [CATEGORIES[(number + place) % len(CATEGORIES)] for place in range(1 + number % 2)]
        visit = {"requests": [{"category": category, "answered": desk == 0} for category in asked]}
        answer = await client.post(f"{house.urls['intake']}/visits", json={**visit, **case})
        assert answer.status_code == 201, answer.text
        # Every other visit is of the person who was here before.
        case = {"case_id": answer.json()["case_id"]} if number % 2 else {}


async def accept_for_ever(client: httpx.AsyncClient, house: House) -> None:
    url = house.urls["referral"]
    after = dict[str, str]()
    while True:
        for partner in (await client.get(f"{url}/partners")).json():
            code = partner["code"]
            query = {"limit": "20", **({"after": after[code]} if after.get(code) else {})}
            page = (await client.get(f"{url}/queues/{code}", params=query)).json()
            for item in page["items"][::2]:
                headers = {"If-Match": f'"{item["version"]}"'}
                answer = await client.post(f"{url}/referrals/{item['referral_id']}/accept", headers=headers)
                assert answer.status_code in (200, 409, 412), answer.text
            # The last page names no next one: it is read again, for what has come since.
            after[code] = page["next"] or after.get(code, "")
        await asyncio.sleep(0.05)


def total(head: int | dict[str, int]) -> int:
    return head if isinstance(head, int) else sum(head.values())


def found_well(document: dict[str, Any]) -> tuple[int, int]:
    """How far the logs had come; fails unless all was well there."""
    assert document["ok"], [check for check in document["checks"] if not check["ok"]]
    return total(document["position"]["intake"]), total(document["position"]["referral"])


@pytest.mark.timeout(300)  # nothing here is timed
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
async def test_an_open_and_busy_house_is_well_at_every_look(
    store: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    database_url = request.getfixturevalue("postgres_url") if store == "postgresql" else ""
    settings = Settings(data=tmp_path / "data", database_url=database_url)
    async with running(House(settings, free_ports=True)) as house:
        async with open_desks(house):
            seen = (0, 0)
            for _ in range(LOOKS):
                looked_at = seen

                async def further(looked_at: tuple[int, int] = looked_at) -> bool:
                    nonlocal seen
                    seen = found_well(await verify(settings))
                    return min(seen) > min(looked_at) + 50

                await until(further, "the house has gone on")
            for figure, by in (("visits", ""), ("requests", "status=referred"), ("referrals", "status=accepted")):
                behind = await explain(settings, Question.of(figure, by, "", ""))
                assert behind["ok"], (figure, behind["kept"], behind["sum"])
                assert behind["events"]

        async def drained() -> bool:
            document = await verify(settings)
            found_well(document)
            details = {check["name"]: check["detail"] for check in document["checks"]}
            heads = "intake {:,}, referral {:,}".format(*found_well(document))
            return bool(details["figures"].endswith(f" at {heads}"))

        await until(drained, "everything is counted")
    assert not list(settings.data.glob("verify-*")), "no copy is left behind"
    at_rest = await verify(settings)
    assert min(found_well(at_rest)) > 100
