"""Front desks at work: they record visits, each under a key that is sent again until it is acknowledged."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.auditing.history import RECORD, History
from tests.system.place import WAIT_S_MAX, until

CATEGORIES = ("social_rights", "financial", "employment", "health", "legal", "housing", "other")
CHANNELS = ("in_person", "phone", "mail", "email")
BATCH_DESK = "desk-0"
"""Sends each of its visits as a file of one line."""
PAUSE_S = 0.03
RETRY_S = 0.05
ANSWER_S_MAX = 20.0
"""Whoever is killed breaks off at once: this is for a machine that does much else besides."""
TRANSIENT = (408, 409, 429, 500, 502, 503, 504, 507)
AGAIN_SHARE = 0.1
"""Of the acknowledged visits, how many are sent again as if the answer had been lost."""


@dataclass
class Desks:
    """Several desks of one house, each at its own pace, with the cases that they know."""

    url: str
    history: History
    seed: int = 1
    acknowledged: int = 0
    cases: list[str] = field(default_factory=list)
    _openings: int = 0
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def open(self, desks: int = 4) -> AsyncIterator["Desks"]:
        """Visits are recorded for as long as the block lasts; the last ones are seen through to their answer."""
        self._closing.clear()
        self._openings += 1
        async with httpx.AsyncClient(timeout=ANSWER_S_MAX) as client:
            at_work = [asyncio.create_task(self._work(client, number)) for number in range(desks)]
            try:
                yield self
            finally:
                self._closing.set()
                await asyncio.gather(*at_work)

    async def record_some(self, visits: int) -> None:
        """Open until so many more are acknowledged."""
        async with self.open():
            await self.some_more(visits)

    async def some_more(self, visits: int) -> None:
        """Wait, while open, until so many more are acknowledged."""
        wanted = self.acknowledged + visits

        async def recorded() -> bool:
            return self.acknowledged >= wanted

        await until(recorded, f"{visits} more visits are acknowledged")

    async def _work(self, client: httpx.AsyncClient, number: int) -> None:
        chance = random.Random(f"{self.seed}/{number}/{self._openings}")
        name = f"desk-{number}"
        while not self._closing.is_set():
            asked = {"key": f"{chance.getrandbits(96):024x}", **self._visit(chance)}
            answered = await self._until_acknowledged(client, name, asked)
            self.acknowledged += 1
            self.cases.append(answered["case_id"])
            if chance.random() < AGAIN_SHARE:
                await self._until_acknowledged(client, name, asked)
            await asyncio.sleep(PAUSE_S)

    def _visit(self, chance: random.Random) -> dict[str, Any]:
        requests = [{"category": category} for category in chance.sample(CATEGORIES, chance.randint(1, 3))]
        if chance.random() < 0.3:
            requests.append({"category": "administrative", "answered": True})  # type: ignore[dict-item]
        visit: dict[str, Any] = {"channel": chance.choice(CHANNELS), "requests": requests}
        if self.cases and chance.random() < 0.3:
            visit["case_id"] = chance.choice(self.cases)
        return visit

    async def _until_acknowledged(self, client: httpx.AsyncClient, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        give_up = time.monotonic() + WAIT_S_MAX
        while True:
            answered = await self._try(client, name, asked)
            if answered is not None:
                return answered
            assert time.monotonic() < give_up, f"nobody took the visit {asked['key']}"
            await asyncio.sleep(RETRY_S)

    async def _try(self, client: httpx.AsyncClient, name: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        n = self.history.invoke(name, RECORD, asked)
        try:
            status, answered = await (self._post_line if name == BATCH_DESK else self._post)(client, asked)
        except httpx.TransportError as error:
            self.history.ends(name, n, RECORD, "info", type(error).__name__)
            return None
        if status == httpx.codes.CREATED:
            self.history.ends(name, n, RECORD, "ok", answered)
            return answered
        self.history.ends(name, n, RECORD, "info" if status >= 500 else "fail", status)
        assert status in TRANSIENT, answered
        return None

    async def _post(self, client: httpx.AsyncClient, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        body = {part: value for part, value in asked.items() if part != "key"}
        answer = await client.post(f"{self.url}/visits", json=body, headers={"Idempotency-Key": asked["key"]})
        return answer.status_code, answer.json()

    async def _post_line(self, client: httpx.AsyncClient, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        line = {("idempotency_key" if part == "key" else part): value for part, value in asked.items()}
        answer = await client.post(f"{self.url}/visits/batch", content=json.dumps(line).encode() + b"\n")
        if answer.status_code != httpx.codes.OK:
            return answer.status_code, answer.json()
        result = json.loads(answer.content)
        result.pop("replayed", None)
        return result.pop("status"), result
