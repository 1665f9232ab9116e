"""Events that nobody can take in are put aside with their reason; everybody else's go on."""

from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.auditing import History
from tests.servers import Valkey
from tests.system.desks import Desks
from tests.system.finding_out import drained, heard
from tests.system.place import Place, until
from tests.system.poison import FromTheFuture, Misshapen, follow_poison
from tests.system.premises import open_premises

TRIES_MAX = 5


async def test_a_poison_event_is_parked_with_its_reason_and_the_others_go_on(valkey: Valkey, tmp_path: Path) -> None:
    with open_premises(tmp_path / "house", valkey.url) as premises:
        place = premises.place
        async with httpx.AsyncClient(timeout=60) as client:
            await place.ready(client)
            desks = Desks(place.urls["intake"], History())
            await desks.record_some(5)
            sick = desks.cases[0]
            other = next(case for case in desks.cases if case != sick)
            await drained(place, client)
            before = await _shown(place, client)
            await premises.kill("intake")
            held_up = await follow_poison(place, sick, FromTheFuture("v-1"), Misshapen("v-2"))
            premises.start("intake")
            await place.ready(client, "intake")
            goes_on = await _record(place, client, other)
            for reader in ("referral", "stats"):
                letters = await until(partial(_letters, place, client, reader, 3), "three are parked")
                _explains_itself(letters, f"case-{sick}")
            await heard(place, client)
            assert await _referred(place, client, goes_on), "the other case goes on"
            assert not await _referred(place, client, held_up)
            assert (await _shown(place, client)) == before + 1
            await _a_readable_one_is_replayed(place, client, held_up)


async def test_garbage_on_a_topic_is_parked_and_the_reader_goes_on(valkey: Valkey, tmp_path: Path) -> None:
    with open_premises(tmp_path / "house", valkey.url) as premises:
        place = premises.place
        async with httpx.AsyncClient(timeout=60) as client:
            await place.ready(client)
            first = await _record(place, client)
            await until(lambda: _referred(place, client, first), "the first visit is referred")
            # The place that the next events will have: the relay finds the topic further on than it left it.
            with valkey.client() as bus:
                bus.xadd("topic:intake:0", {"__data__": b"\xff{not json"}, id="3-0")
            letters = await until(lambda: _letters(place, client, "stats", 1), "the garbage is parked")
            assert letters[0]["position"] == 3
            assert "not a CloudEvents document" in letters[0]["reason"]
            await place.tell(client, "stats", "dead-letters/discard", topic="intake", position=3)
            assert await place.ask(client, "stats", "dead-letters") == []
            later = [await _record(place, client) for _ in range(2)]
            await until(lambda: _referred(place, client, later[-1]), "the reader goes on")


async def _record(place: Place, client: httpx.AsyncClient, case_id: str | None = None) -> str:
    body = {"requests": [{"category": "legal"}], **({"case_id": case_id} if case_id else {})}
    answer = await client.post(f"{place.urls['intake']}/visits", json=body)
    assert answer.status_code == 201, answer.text
    visit_id: str = answer.json()["visit_id"]
    return visit_id


async def _letters(place: Place, client: httpx.AsyncClient, service: str, count: int) -> list[dict[str, Any]]:
    letters: list[dict[str, Any]] = await place.ask(client, service, "dead-letters")
    return letters if len(letters) == count else []


def _explains_itself(letters: list[dict[str, Any]], stream: str) -> None:
    future, misshapen, follower = letters
    assert {letter["stream"] for letter in letters} == {stream}
    assert "v9" in future["reason"]
    assert misshapen["reason"]
    assert follower["reason"] == "an earlier event of its stream is parked"
    assert max(letter["tries"] for letter in letters) <= TRIES_MAX


async def _referred(place: Place, client: httpx.AsyncClient, visit_id: str) -> bool:
    answer = await client.get(f"{place.urls['intake']}/visits/{visit_id}")
    return answer.status_code == 200 and all(request["referrals"] for request in answer.json()["requests"])


async def _shown(place: Place, client: httpx.AsyncClient) -> int:
    answer = await client.get(f"{place.urls['stats']}/stats/visits")
    count: int = answer.json()["rows"][0]["count"]
    return count


async def _a_readable_one_is_replayed(place: Place, client: httpx.AsyncClient, visit_id: str) -> None:
    """The two that cannot be read are given up; the visit behind them is then handed in again."""
    for reader in ("referral", "stats"):
        *poison, follower = await place.ask(client, reader, "dead-letters")
        for letter in poison:
            await place.tell(client, reader, "dead-letters/discard", topic="intake", position=letter["position"])
        replayed = await place.tell(client, reader, "dead-letters/replay", stream=follower["stream"])
        assert replayed == {"replayed": 1, "still_parked": 0}
        assert await place.ask(client, reader, "dead-letters") == []
    assert await until(lambda: _referred(place, client, visit_id), "the visit that was held up is referred")
