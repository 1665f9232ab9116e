"""Live streams: nothing is lost or told twice, whatever is cut; they end with the server."""

import asyncio
import random
import re
from pathlib import Path

import httpx
import pytest

from shared.bus import position_of
from tests.servers import Valkey
from tests.service.refusals import problem_of
from tests.service.streams import listening
from tests.service.street import Street, open_street

CUTS = 100
VISITS = 400


async def test_a_queue_cut_a_hundred_times_is_read_whole_and_once(own_street: Street) -> None:
    street = own_street
    url = f"{street.url('referral')}/queues/p01/stream"
    recorded: list[str] = []

    async def desks() -> None:
        async with httpx.AsyncClient(base_url=street.url("intake"), timeout=20) as client:
            for number in range(VISITS):
                body = {"requests": [{"category": "social_rights", "partner": "p01"}]}
                answer = await client.post("/visits", json=body)
                recorded.append(answer.json()["requests"][0]["request_id"])
                if number in {100, 200, 300}:
                    await asyncio.to_thread(street.bus.flush)
                await asyncio.sleep(0.01)

    chance = random.Random(2008)
    seen: list[tuple[str, str]] = []
    last_id: str | None = None
    async with asyncio.TaskGroup() as both:
        both.create_task(desks())
        for cut in range(CUTS + 1):
            take = chance.randint(1, 2 * VISITS // CUTS - 2) if cut < CUTS else VISITS - len(seen)
            take = min(take, VISITS - len(seen) - (CUTS - cut))
            async with listening(url, last_id) as events:
                for _ in range(take):
                    event = await anext(events)
                    assert event.event == "issued"
                    last_id = event.id
                    seen.append((event.id, event.data["request_id"]))
    assert [request for _, request in seen] == recorded
    positions = [position_of(cursor) for cursor, _ in seen]
    assert positions == sorted(set(positions))


async def test_what_a_partner_answers_comes_down_the_stream_too(street: Street) -> None:
    visit = street.record("literacy")
    (referral,) = street.referrals_of(visit["visit_id"])
    view = street.referral.get(f"/referrals/{referral['referral_id']}").json()
    async with listening(f"{street.url('referral')}/queues/{view['queue']}/stream") as events:
        async for event in events:
            if event.data["position"] == view["position"]:
                break
        await asyncio.to_thread(
            street.referral.post, f"/referrals/{view['referral_id']}/accept", headers={"If-Match": '"1"'}
        )
        event = await anext(events)
    assert (event.event, event.data["status"], event.data["referral_id"]) == (
        "accepted",
        "accepted",
        view["referral_id"],
    )


async def test_the_last_event_id_goes_before_the_cursor_of_the_address(street: Street) -> None:
    for _ in range(2):
        street.referrals_of(street.record("parenting")["visit_id"])
    queue = street.referrals_of(street.record("parenting")["visit_id"])[0]["partner"]
    url = f"{street.url('referral')}/queues/{queue}/stream?after=0-0"
    async with listening(url) as events:
        first, second = await anext(events), await anext(events)
    async with listening(url, first.id) as events:
        assert (await anext(events)).id == second.id


async def test_a_reader_goes_on_where_it_stood_after_the_house_was_started_anew(tmp_path: Path, valkey: Valkey) -> None:
    visit = {"requests": [{"category": "social_rights", "partner": "p01"}] * 3}
    with open_street(tmp_path, valkey) as street:
        street.referrals_of(street.intake.post("/visits", json=visit).json()["visit_id"])
        async with listening(f"{street.url('referral')}/queues/p01/stream") as events:
            told = [await anext(events) for _ in range(3)]
        page = street.referral.get("/queues/p01", params={"limit": 2}).json()
        async with listening(f"{street.url('stats')}/stats/live/stream") as events:
            stood = await anext(events)
    with open_street(tmp_path, valkey) as street:
        async with listening(f"{street.url('referral')}/queues/p01/stream", told[0].id) as events:
            assert [await anext(events) for _ in range(2)] == told[1:]
        rest = street.referral.get("/queues/p01", params={"after": page["next"]}).json()
        assert [view["position"] for view in rest["items"]] == [told[2].data["position"]]
        async with listening(f"{street.url('stats')}/stats/live/stream", stood.id) as events:
            await asyncio.to_thread(street.record, "legal")
            # What the reader had seen is not told again: the first that it hears is what came since.
            moved = await anext(events)
    assert moved.data["as_of"]["intake"] > stood.data["as_of"]["intake"]


def test_a_cursor_is_good_for_its_own_queue_and_its_own_house_alone(street: Street) -> None:
    """Refused alike: of another queue, of other figures, changed, cut short, never given."""
    for partner in ("p15", "p14"):
        body = {"requests": [{"category": "employment", "partner": partner}]}
        street.referrals_of(street.intake.post("/visits", json=body).json()["visit_id"])
    own, other = (
        re.findall(r'data-after="([^"]+)"', street.referral.get(f"/desks/{code}").text)[0] for code in ("p15", "p14")
    )
    place, _, signature = own.partition(".")
    wrong = (other, f"{position_of(place) + 1}-0.{signature}", f"{place}.", place, own[:-1], "x", f"{own} ")
    for cursor in wrong:
        for path in ("/queues/p15", "/queues/p15/stream"):
            refused = street.referral.get(path, params={"after": cursor})
            assert problem_of(refused, 422, "after")["type"] == "/problems/unknown-cursor"
        for path in ("/queues/p15/stream", "/desks/p15/stream"):
            refused = street.referral.get(path, headers={"Last-Event-ID": cursor.strip() + "x"})
            assert (refused.status_code, refused.headers["content-type"][:10]) != (200, "text/event")
            assert refused.json()["type"] == "/problems/unknown-cursor" if path[1] == "q" else "erreur" in refused.text
        assert street.referral.get("/desks/p15", params={"after": cursor}).status_code == 422
    for path, what in (("/stats/live/stream", "Last-Event-ID"), ("/figures/stream", "Last-Event-ID")):
        refused = street.stats.get(path, headers={what: own})
        assert refused.status_code == 422
    assert street.referral.get("/queues/p15", params={"after": own}).json() == {"items": [], "next": None}


@pytest.mark.parametrize("page", ["/figures", "/figures?site=fontaine-d-ouche"])
def test_a_page_of_figures_that_is_cut_off_within_a_move_is_told_all_of_it_again(page: str, street: Street) -> None:
    told = re.findall(r'sse-connect="([^"]+)"', street.stats.get(page).text)[0].replace("&amp;", "&")
    street.record("legal")
    seen: list[str] = []
    with street.stats.stream("GET", told) as answer:
        for line in answer.iter_lines():
            if line.startswith(("id: ", "event: ")):
                seen.append(line)
            if line.startswith("id: "):
                break
    # Until the last fragment comes no id says that the page stands there.
    assert len(seen) > 2
    with street.stats.stream("GET", told, headers={"Last-Event-ID": seen[-1].removeprefix("id: ")}) as answer:
        street.record("legal")
        assert next(line for line in answer.iter_lines() if line.startswith("event: ")) == seen[0]


async def test_the_counters_move_when_a_visit_is_recorded(street: Street) -> None:
    async with listening(f"{street.url('stats')}/stats/live/stream") as events:
        counted = (await anext(events)).data["figures"]["visits"]["in_all"]["count"]
        await asyncio.to_thread(street.record, "legal")
        async for event in events:
            if event.data["figures"]["visits"]["in_all"]["count"] > counted:
                break
    assert event.data["as_of"]["intake"] > 0


async def test_streams_end_when_the_server_stops(own_street: Street) -> None:
    street = own_street
    addresses = (f"{street.url('referral')}/queues/p01/stream", f"{street.url('stats')}/stats/live/stream")

    async def listen(url: str) -> None:
        async with listening(url) as events:
            begun.release()
            async for _ in events:
                pass

    begun = asyncio.Semaphore(0)
    readers = [asyncio.create_task(listen(url)) for url in addresses for _ in range(3)]
    for _ in readers:
        await begun.acquire()
    for server in street.servers.values():
        server.should_exit = True
    ends = await asyncio.wait_for(asyncio.gather(*readers, return_exceptions=True), timeout=20)
    # Ended by the server, cleanly or cut: never left hanging until the reader loses patience.
    assert all(end is None or isinstance(end, httpx.RemoteProtocolError) for end in ends)
