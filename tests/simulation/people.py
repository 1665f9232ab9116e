"""Desks and partners of a simulated house: what they ask, how long they try, and what they write down of it."""

import asyncio
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from services.referral import queries
from services.referral.commands import AcceptReferral
from services.stats.queries import Asked, ask
from shared.access.principal import Principal, Role
from shared.access.scope import Scope, scope_of
from shared.database import StoreUnavailable
from shared.web.exchange import Answer, answer_failure
from shared.web.problems import Problem
from tests.auditing import Finding, History
from tests.auditing.history import ANSWER, COUNT, RECORD
from tests.simulation.plan import LASTS_S, Plan
from tests.simulation.premises import House, NoAnswer, Running

DESKS = 3
TRIES_MAX = 400
RETRY_S = 0.3
ACCEPTED_SHARE = 0.7
CATEGORIES = ("social_rights", "financial", "employment", "health", "legal", "housing", "other")
CHANNELS = ("in_person", "phone", "mail", "email")
JSON = {b"content-type": b"application/json"}


class People:
    """Everybody outside, and what they have seen."""

    def __init__(self, house: House, plan: Plan) -> None:
        self.house, self.plan = house, plan
        self.history = History()
        self.found: list[Finding] = []
        self._cases: dict[int, str] = {}

    async def work(self) -> None:
        """Make the visits; each is seen through to its answer."""
        await asyncio.gather(*(self._sit(desk) for desk in range(DESKS)))

    async def _sit(self, desk: int) -> None:
        for number in self.plan.visits:
            if number % DESKS == desk:
                await self._receive(f"desk-{desk}", number)

    async def _receive(self, desk: str, number: int) -> None:
        chance = Random(f"visit {self.plan.seed} {number}")
        await asyncio.sleep(chance.uniform(0, 2 * LASTS_S * DESKS / max(self.plan.visits[-1] + 1, 1)))
        asked = {"key": f"{chance.getrandbits(64):016x}", **self._visit(chance, number)}
        if chance.random() < 0.15:
            # Two windows of one desk: the same key at the same moment.
            answers = await asyncio.gather(self._see_through(desk, asked), self._see_through(desk, asked))
            answered = answers[0]
        else:
            answered = await self._see_through(desk, asked)
        self._cases[number] = answered["case_id"]
        if chance.random() < 0.2:
            await self._see_through(desk, asked)
        if chance.random() < 0.2:
            await self._ask_for_something_else(desk, asked)

    def _visit(self, chance: Random, number: int) -> dict[str, Any]:
        requests: list[dict[str, Any]] = [
            {"category": category} for category in chance.sample(CATEGORIES, chance.randint(1, 3))
        ]
        if chance.random() < 0.3:
            requests.append({"category": "administrative", "answered": True})
        visit: dict[str, Any] = {"channel": chance.choice(CHANNELS), "requests": requests}
        known = [self._cases[other] for other in sorted(self._cases) if other < number]
        if known and chance.random() < 0.4:
            visit["case_id"] = chance.choice(known)
        return visit

    async def _see_through(self, desk: str, asked: dict[str, Any]) -> Any:
        for _ in range(TRIES_MAX):
            answer = await self._record(desk, asked)
            if answer is not None and answer.status == 201:
                return json.loads(answer.body)
            assert answer is None or answer.status in (409, 429, 500, 503, 507), answer.body
            await asyncio.sleep(RETRY_S)
        raise AssertionError(f"nobody took the visit {asked['key']}")

    async def _ask_for_something_else(self, desk: str, asked: dict[str, Any]) -> None:
        """The same key with another body: refused, or the key means nothing."""
        other = {**asked, "channel": next(channel for channel in CHANNELS if channel != asked["channel"])}
        answer = await self._record(desk, other)
        if answer is not None and answer.status == 201:
            self.found.append(Finding("key taken for another request", asked["key"]))

    async def _record(self, desk: str, asked: dict[str, Any]) -> Answer | None:
        body = json.dumps({part: value for part, value in asked.items() if part != "key"}).encode()
        headers = {**JSON, b"idempotency-key": asked["key"].encode()}

        async def record(running: Running) -> Answer:
            assert running.recording is not None
            try:
                return await running.recording.one(body, headers)
            except Exception as error:
                return answer_failure(error)

        n = self.history.invoke(desk, RECORD, asked)
        try:
            answer = await self.house.ask("intake", record)
        except NoAnswer as lost:
            self.history.ends(desk, n, RECORD, "info", str(lost))
            return None
        if answer.status == 201:
            self.history.ends(desk, n, RECORD, "ok", json.loads(answer.body))
        else:
            self.history.ends(desk, n, RECORD, "info" if answer.status >= 500 else "fail", answer.status)
        return answer

    async def answer_forever(self, partners: Sequence[str]) -> None:
        """A worker who goes from queue to queue and accepts what lies there."""
        chance = Random(f"partner {self.plan.seed}")
        while True:
            await asyncio.sleep(chance.uniform(0.2, 1.0))
            partner = chance.choice(partners)
            try:
                page = await self._look_into(partner)
            except (NoAnswer, StoreUnavailable):
                continue
            for item in page.items:
                if item.queue != partner:
                    self.found.append(Finding("seen by another partner", f"{item.referral_id} of {item.queue}"))
                if item.status == "issued" and chance.random() < ACCEPTED_SHARE:
                    await self._accept(item)

    async def _look_into(self, partner: str) -> queries.QueuePage:
        return await self.house.ask(
            "referral", lambda one: queries.queue(one.database, _scope(partner), partner, "0-0", 3, None)
        )

    async def _accept(self, item: queries.ReferralView) -> None:
        headers = {b"idempotency-key": f"accept-{item.referral_id}".encode()}

        async def accept(running: Running) -> str:
            assert running.answers is not None
            scope = _scope(item.queue)
            known = await running.answers.known(scope, item.referral_id)
            asked = AcceptReferral()
            one = await running.answers.carry_out(scope, known, "accept", asked, f'"{item.version}"', headers)
            return one.status

        n = self.history.invoke("partner", ANSWER, {"referral_id": item.referral_id})
        try:
            status = await self.house.ask("referral", accept)
        except Problem as problem:
            self.history.ends("partner", n, ANSWER, "info" if problem.status >= 500 else "fail", problem.status)
        except (NoAnswer, StoreUnavailable) as lost:
            self.history.ends("partner", n, ANSWER, "info", type(lost).__name__)
        else:
            self.history.ends("partner", n, ANSWER, "ok", status)

    async def read_forever(self) -> None:
        """Somebody who looks at the counter of visits again and again."""
        chance = Random(f"reader {self.plan.seed}")
        while True:
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            n = self.history.invoke("reader", COUNT, "visits")
            try:
                answer = await self.house.ask("stats", lambda one: ask(one.database, Asked("visits")))
            except (NoAnswer, StoreUnavailable) as lost:
                self.history.ends("reader", n, COUNT, "info", type(lost).__name__)
            else:
                self.history.ends("reader", n, COUNT, "ok", answer["rows"][0]["count"])


def _scope(partner: str) -> Scope:
    return scope_of(Principal(Role.PARTNER, partner, f"desk-{partner}"))
