"""Asks the services of a running house how they are, and tells them what to do, over `/internal`."""

from datetime import datetime
from typing import Any

import httpx

from services.whereabouts import find_house
from shared.clock import utc_now
from shared.settings import Settings

TIMEOUT_S = 10.0
REBUILD_S_MAX = 3600.0


class NotRunning(RuntimeError):
    """No house runs in the data folder, or one of its services does not answer."""


class Caretaker:
    """Speaks to the house that runs in the settings' data folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def status(self) -> dict[str, Any]:
        """`{"services", "bus", "logs", "subscribers", "dead_letters"}`, lag in events and in seconds."""
        card = self._card()
        found = {name: await self._ask(name, "status") for name in card["services"]}
        logs = {name: state["heads"] for name, state in found.items() if state["heads"] is not None}
        subscribers = [
            await self._with_lag(subscriber, logs) for state in found.values() for subscriber in state["subscribers"]
        ]
        return {
            "services": {name: {**part, "ready": found[name]["ready"]} for name, part in card["services"].items()},
            "bus": card["bus"],
            "logs": logs,
            "subscribers": subscribers,
            "dead_letters": sum(state["dead_letters"] for state in found.values()),
        }

    async def dead_letters(self) -> list[dict[str, Any]]:
        """Every event that lies aside, with the service that put it there."""
        return [
            {"service": name, **letter}
            for name in self._card()["services"]
            for letter in await self._ask(name, "dead-letters")
        ]

    async def replay(self, service: str, topic: str | None, stream: str | None, position: int | None) -> Any:
        """Hand dead letters in again: `{"replayed", "still_parked"}`."""
        return await self._tell(service, "dead-letters/replay", topic=topic, stream=stream, position=position)

    async def discard(self, service: str, topic: str, partition: int, position: int) -> Any:
        """Give a dead letter up."""
        return await self._tell(service, "dead-letters/discard", topic=topic, partition=partition, position=position)

    async def rebuild(self, service: str) -> Any:
        """Have a service rebuild its read model: `{"rebuilt", "seconds"}`."""
        return await self._tell(service, "rebuild")

    async def _with_lag(self, subscriber: dict[str, Any], logs: dict[str, dict[str, int]]) -> dict[str, Any]:
        topic, partition = subscriber["topic"], subscriber["partition"]
        checkpoint = subscriber["checkpoint"]
        behind = max(logs[topic][str(partition)] - checkpoint, 0)
        lag_s = 0.0
        if behind:
            answer = await self._ask(topic, "recorded-at", partition=partition, position=checkpoint + 1)
            if answer["recorded_at"]:
                lag_s = (utc_now() - datetime.fromisoformat(answer["recorded_at"])).total_seconds()
        return {**subscriber, "lag_events": behind, "lag_s": round(max(lag_s, 0.0), 3)}

    async def _ask(self, service: str, what: str, **parameters: Any) -> Any:
        return await self._call("GET", service, what, TIMEOUT_S, parameters)

    async def _tell(self, service: str, what: str, **parameters: Any) -> Any:
        return await self._call("POST", service, what, REBUILD_S_MAX, parameters)

    async def _call(self, method: str, service: str, what: str, timeout_s: float, parameters: dict[str, Any]) -> Any:
        services = self._card()["services"]
        if service not in services:
            raise NotRunning(f"there is no service {service!r}: it is one of {', '.join(services)}")
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            async with httpx.AsyncClient(timeout=timeout_s, headers=self._key(), trust_env=False) as client:
                answer = await client.request(method, f"{services[service]['url']}/internal/{what}", params=given)
        except httpx.HTTPError as error:
            raise NotRunning(f"{service} does not answer: {type(error).__name__}") from None
        if answer.status_code != httpx.codes.OK:
            raise NotRunning(f"{service} says: {answer.json().get('detail', answer.status_code)}")
        return answer.json()

    def _card(self) -> dict[str, Any]:
        card = find_house(self._settings)
        if card is None:
            raise NotRunning(f"no house runs in {self._settings.data}: start one with `maison run`")
        return card

    def _key(self) -> dict[str, str]:
        return {"X-House-Key": self._settings.house_key or ""}
