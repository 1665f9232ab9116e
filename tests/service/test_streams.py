"""Live streams: nothing is lost or told twice, whatever is cut; they end with the server."""

import asyncio
import random

import httpx

from tests.service.streams import listening
from tests.service.street import Street

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
    positions = [int(entry_id.removesuffix("-0")) for entry_id, _ in seen]
    assert positions == sorted(set(positions))


async def test_what_a_partner_answers_comes_down_the_stream_too(street: Street) -> None:
    visit = street.record("literacy")
    (referral,) = street.referrals_of(visit["visit_id"])
    view = street.referral.get(f"/referrals/{referral['referral_id']}").json()
    url = f"{street.url('referral')}/queues/{view['queue']}/stream?after={view['position']}-0"
    async with listening(url) as events:
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
