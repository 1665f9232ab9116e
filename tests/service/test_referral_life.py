"""The whole life of a referral through HTTP, on the three services: what follows, who is told, what can be undone."""

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.clock import utc_now
from tests.referral_stories import one_after_the_other
from tests.servers import running_valkey
from tests.service.corpus import CANARY
from tests.service.refusals import problem_of
from tests.service.streams import listening
from tests.service.street import Street, open_street, until

NO_CAPACITY, GONE = {"reason": "no_capacity"}, {"reason": "not_interested", "said_by": "person"}
HELPED, MISTAKE = {"outcome": "helped"}, {"reason": "mistake"}
HEALTH, LEGAL = ["p09", "p02"], {"p04", "p05"}
"""Who answers for health, in turn; and for legal aid, at once."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street whose permanences have one place, and where legal aid is asked of every partner at once."""
    folder = tmp_path_factory.mktemp("life")
    text = one_after_the_other().replace('id = "legal-aid"', 'id = "legal-aid"\nseveral = true')
    (folder / "house.toml").write_text(re.sub(r"places = \d+", "places = 1", text))
    with running_valkey() as bus, open_street(folder / "data", bus, catalogue=folder / "house.toml") as opened:
        yield opened


class Told:
    """One request of a visit, as desk and partners see it."""

    def __init__(self, house: Street, category: str) -> None:
        self.house = house
        self.visit = house.record(category)["visit_id"]
        house.referrals_of(self.visit)

    def shown(self) -> list[dict[str, Any]]:
        """What the visit shows of it."""
        (request,) = self.house.intake.get(f"/visits/{self.visit}").json()["requests"]
        found: list[dict[str, Any]] = request["referrals"]
        return found

    def chain(self, *expected: tuple[str, str]) -> list[str]:
        """Wait until the visit shows these partners and statuses, oldest first; the ids."""
        until(lambda: [(one["partner"], one["status"]) for one in self.shown()] == list(expected), 10)
        return [one["referral_id"] for one in self.shown()]


def move(house: Street, referral: str, verb: str, body: Any = None, version: int = 0, key: str = "") -> httpx.Response:
    """Ask for a move of a referral as it is now, or as it was at a version."""
    version = version or view(house, referral)["version"]
    headers = {"If-Match": f'"{version}"', **({"Idempotency-Key": key} if key else {})}
    return house.referral.post(f"/referrals/{referral}/{verb}", headers=headers, json=body)


def moved(house: Street, referral: str, verb: str, body: Any = None) -> dict[str, Any]:
    """The referral after a move that must succeed."""
    answer = move(house, referral, verb, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["etag"] == f'"{found["version"]}"'
    return found


def view(house: Street, referral: str) -> dict[str, Any]:
    found: dict[str, Any] = house.referral.get(f"/referrals/{referral}").json()
    return found


def free_permanence(house: Street, partner: str) -> str:
    """A permanence of the partner with a place left, some days ahead."""
    first = utc_now().date() + timedelta(days=2)
    days = {"from": first.isoformat(), "to": (first + timedelta(days=80)).isoformat()}
    for one in house.referral.get("/permanences", params=days).json():
        if one["partner"] == partner and one["places_left"]:
            found: str = one["permanence_id"]
            return found
    raise AssertionError(f"{partner} has no place left")


def figure(house: Street, name: str, by: str, value: str) -> int:
    rows = house.stats.get(f"/stats/{name}", params={"by": by}).json()["rows"]
    return sum(row["count"] for row in rows if row[by] == value)


def test_a_partner_accepts_books_receives_and_completes_and_the_visit_shows_it(house: Street) -> None:
    told = Told(house, "health")
    (referral,) = told.chain(("p09", "issued"))
    assert moved(house, referral, "accept")["status"] == "accepted"
    counted = {name: figure(house, name, "partner", "p09") for name in ("places", "answers", "outcomes")}
    permanence = free_permanence(house, "p09")
    booked = moved(house, referral, "book", {"permanence_id": permanence})
    assert (booked["status"], booked["place"]) == ("booked", 1)
    assert booked["starts_at"]
    walked = figure(house, "handovers", "partner", "p09")
    assert moved(house, referral, "walk")["status"] == "walked"
    assert moved(house, referral, "receive")["status"] == "received"
    completed = moved(house, referral, "complete", HELPED)
    assert (completed["status"], completed["outcome"], completed["undoable"]) == ("completed", "helped", True)
    told.chain(("p09", "completed"))
    (shown,) = told.shown()
    assert shown == {
        "referral_id": referral,
        "partner": "p09",
        "status": "completed",
        "outcome": "helped",
        "version": 6,
    } | {name: value for name, value in shown.items() if value is None}
    until(lambda: figure(house, "handovers", "partner", "p09") == walked + 1)
    for name, before in counted.items():
        # The acceptance, which was the first answer, may have been counted before.
        assert figure(house, name, "partner", "p09") == before + 1 or name == "answers"
    day = f"{permanence.rpartition('_')[2][:4]}-{permanence.rpartition('_')[2][4:6]}"
    months = house.stats.get("/stats/places", params={"period": "month", "by": "partner"}).json()["rows"]
    assert {"period": day, "partner": "p09"}.items() <= months[-1].items()
    moved(house, referral, "reopen", MISTAKE)
    until(lambda: figure(house, "places", "partner", "p09") == counted["places"])
    assert figure(house, "outcomes", "partner", "p09") == counted["outcomes"]


def test_what_is_declined_is_offered_to_the_next_and_at_last_to_the_coordinator(house: Street) -> None:
    told = Told(house, "health")
    needs = figure(house, "needs", "category", "health")
    (first,) = told.chain(("p09", "issued"))
    declined = moved(house, first, "decline", NO_CAPACITY)
    assert (declined["status"], declined["reason"]) == ("declined", "no_capacity")
    _, second = told.chain(("p09", "declined"), ("p02", "issued"))
    assert told.shown()[0]["reason"] == "no_capacity"
    moved(house, second, "decline", NO_CAPACITY)
    _, _, need = told.chain(("p09", "declined"), ("p02", "declined"), ("coordinator", "unmet"))
    found = view(house, need)
    assert (found["queue"], found["status"], found["reason"]) == ("coordinator", "unmet", "no_partner_left")
    listed = house.referral.get("/queues/coordinator", params={"status": "unmet", "limit": 200}).json()["items"]
    assert need in {item["referral_id"] for item in listed}
    until(lambda: figure(house, "needs", "category", "health") == needs + 1)

    moved(house, second, "undo")
    told.chain(("p09", "declined"), ("p02", "issued"), ("coordinator", "rerouted"))
    until(lambda: figure(house, "needs", "category", "health") == needs)


def test_what_is_withdrawn_because_its_partner_cannot_help_is_offered_to_the_next(house: Street) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    withdrawn = moved(house, first, "withdraw", {"reason": "no_capacity"})
    assert (withdrawn["status"], withdrawn["reason"]) == ("withdrawn", "no_capacity")
    told.chain(("p09", "withdrawn"), ("p02", "issued"))
    moved(house, first, "undo")
    told.chain(("p09", "issued"), ("p02", "withdrawn"))


@pytest.mark.parametrize("reason", ["mistake", "no_longer_needed", "unreachable", "duplicate"])
def test_what_is_withdrawn_because_nobody_asks_for_it_any_more_is_offered_to_nobody(house: Street, reason: str) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    moved(house, first, "withdraw", {"reason": reason})
    told.chain(("p09", "withdrawn"))
    assert view(house, first)["reason"] == reason


def test_an_undone_decline_takes_back_the_follower_that_nobody_has_touched(house: Street) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    moved(house, first, "decline", NO_CAPACITY)
    _, second = told.chain(("p09", "declined"), ("p02", "issued"))
    undone = moved(house, first, "undo")
    assert (undone["status"], undone["reason"], undone["undoable"]) == ("issued", None, False)
    told.chain(("p09", "issued"), ("p02", "withdrawn"))
    assert view(house, second)["reason"] == "taken_back"
    assert problem_of(move(house, second, "accept", version=1), 412)["changed_by"] == "house"
    problem_of(move(house, first, "undo"), 409)


def test_an_undone_decline_leaves_the_follower_that_has_been_taken_on(house: Street) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    moved(house, first, "decline", NO_CAPACITY)
    _, second = told.chain(("p09", "declined"), ("p02", "issued"))
    moved(house, second, "accept")
    moved(house, first, "undo")
    told.chain(("p09", "issued"), ("p02", "accepted"))
    # Two have it now: when one gives it up, the other one still has it.
    moved(house, second, "decline", NO_CAPACITY)
    told.chain(("p09", "issued"), ("p02", "declined"))
    moved(house, first, "decline", NO_CAPACITY)
    told.chain(("p09", "declined"), ("p02", "declined"), ("coordinator", "unmet"))


def test_an_undone_reopening_hands_the_request_on_again(house: Street) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    moved(house, first, "decline", NO_CAPACITY)
    moved(house, first, "reopen", MISTAKE)
    told.chain(("p09", "issued"), ("p02", "withdrawn"))
    undone = moved(house, first, "undo")
    assert (undone["status"], undone["reason"]) == ("declined", "no_capacity")
    told.chain(("p09", "declined"), ("p02", "withdrawn"), ("p02", "issued"))


def test_a_need_found_further_down_the_chain_is_settled_when_the_first_goes_on(house: Street) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    moved(house, first, "decline", NO_CAPACITY)
    _, second = told.chain(("p09", "declined"), ("p02", "issued"))
    moved(house, second, "decline", NO_CAPACITY)
    told.chain(("p09", "declined"), ("p02", "declined"), ("coordinator", "unmet"))
    moved(house, first, "reopen", MISTAKE)
    told.chain(("p09", "issued"), ("p02", "declined"), ("coordinator", "rerouted"))
    # The second has said no already, and is not asked again.
    moved(house, first, "decline", NO_CAPACITY)
    told.chain(("p09", "declined"), ("p02", "declined"), ("coordinator", "rerouted"), ("coordinator", "unmet"))


def test_who_wants_nothing_any_more_is_offered_nothing_any_more(house: Street) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    moved(house, first, "decline", GONE)
    told.chain(("p09", "declined"))
    assert told.shown()[0]["reason"] == "not_interested"


def end_completed(house: Street, referral: str) -> None:
    moved(house, referral, "accept")
    moved(house, referral, "complete", HELPED)


ENDS: dict[str, Any] = {
    "completed": end_completed,
    "declined": lambda house, referral: moved(house, referral, "decline", GONE),
    "withdrawn": lambda house, referral: moved(house, referral, "withdraw", {"reason": "no_longer_needed"}),
    "rerouted": lambda house, referral: moved(house, referral, "reroute", {"partner": "p02"}),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_opens_again(end: str, house: Street) -> None:
    told = Told(house, "health")
    (referral,) = told.chain(("p09", "issued"))
    ENDS[end](house, referral)
    assert view(house, referral)["status"] == end
    reopened = moved(house, referral, "reopen", {"reason": "came_back"})
    assert (reopened["status"], reopened["outcome"], reopened["reason"]) == ("issued", None, "came_back")
    undone = moved(house, referral, "undo")
    assert (undone["status"], undone["outcome"]) == (end, "helped" if end == "completed" else None)


def test_the_house_hands_a_referral_to_another_partner(house: Street) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    problem_of(move(house, first, "reroute", {"partner": "p09"}), 422, "partner")
    problem_of(move(house, first, "reroute", {"partner": "p05"}), 422, "partner")
    problem_of(move(house, first, "reroute", {"partner": "p99"}), 422, "partner")
    assert view(house, first)["version"] == 1
    moved(house, first, "reroute", {"partner": "p02"})
    told.chain(("p09", "rerouted"), ("p02", "issued"))


def test_an_unmet_need_is_handed_to_a_partner_by_the_house(house: Street) -> None:
    told = Told(house, "administrative")
    (need,) = told.chain(("coordinator", "unmet"))
    moved(house, need, "reroute", {"partner": "p16"})
    told.chain(("coordinator", "rerouted"), ("p16", "issued"))
    problem_of(move(house, need, "reroute", {"partner": "p16"}), 409)


@pytest.mark.parametrize("verbs", [("accept", "decline"), ("decline", "withdraw"), ("walk", "accept")])
def test_of_two_workers_one_wins_and_the_other_reads_who_and_when(verbs: tuple[str, str], house: Street) -> None:
    (referral,) = Told(house, "health").chain(("p09", "issued"))
    bodies = {"decline": GONE, "withdraw": MISTAKE}
    with ThreadPoolExecutor(2) as desks:
        answers = list(desks.map(lambda verb: move(house, referral, verb, bodies.get(verb), 1), verbs))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    lost = next(answer for answer in answers if answer.status_code == 412)
    problem, now = problem_of(lost, 412, "If-Match"), view(house, referral)
    assert (problem["changed_by"], problem["changed_at"]) == ("p09", now["moved_at"])
    assert (problem["referral_status"], problem["version"]) == (now["status"], 2)


def test_who_was_faster_is_named_even_where_it_was_not_the_partner(house: Street) -> None:
    (referral,) = Told(house, "health").chain(("p09", "issued"))
    issued = house.ask_house("tokens", {"role": "front_desk"})
    with httpx.Client(headers={"Authorization": f"Bearer {issued['token']}"}) as desk:
        address = f"{house.url('referral')}/referrals/{referral}/withdraw"
        withdrawn = desk.post(address, headers={"If-Match": '"1"'}, json=MISTAKE)
    assert withdrawn.status_code == 200
    problem = problem_of(move(house, referral, "accept", version=1), 412, "If-Match")
    assert (problem["changed_by"], problem["changed_at"]) == (issued["token_id"], withdrawn.json()["moved_at"])


def test_the_last_place_is_sold_once(house: Street) -> None:
    referrals = [Told(house, "health").chain(("p09", "issued"))[0] for _ in range(4)]
    permanence = {"permanence_id": free_permanence(house, "p09")}
    with ThreadPoolExecutor(4) as desks:
        answers = list(desks.map(lambda referral: move(house, referral, "book", permanence, 1), referrals))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            problem_of(answer, 409, "permanence_id")
    winner = next(answer for answer in answers if answer.status_code == 200).json()
    # A place that is given up is free for the next.
    moved(house, winner["referral_id"], "withdraw", MISTAKE)
    other = next(referral for referral in referrals if referral != winner["referral_id"])
    assert moved(house, other, "book", permanence)["place"] == 1
    problem_of(move(house, winner["referral_id"], "undo"), 409)
    assert view(house, winner["referral_id"])["status"] == "withdrawn"


def test_a_cancelled_permanence_puts_people_back_and_takes_nobody_any_more(house: Street) -> None:
    told = Told(house, "health")
    (referral,) = told.chain(("p09", "issued"))
    permanence = free_permanence(house, "p09")
    moved(house, referral, "accept")
    moved(house, referral, "book", {"permanence_id": permanence})
    off = house.referral.post(f"/permanences/{permanence}/cancel").json()
    assert off == {"permanence_id": permanence, "partner": "p09", "put_back": [referral]}
    back = view(house, referral)
    assert (back["status"], back["place"], back["undoable"]) == ("accepted", None, False)
    told.chain(("p09", "accepted"))
    problem_of(move(house, referral, "book", {"permanence_id": permanence}), 422, "permanence_id")
    again = house.referral.post(f"/permanences/{permanence}/cancel").json()
    assert again["put_back"] == []
    problem_of(house.referral.post("/permanences/nowhere/cancel"), 404)


def test_who_was_walked_to_a_permanence_that_is_then_called_off_is_put_back(house: Street) -> None:
    (referral,) = Told(house, "health").chain(("p09", "issued"))
    permanence = free_permanence(house, "p09")
    moved(house, referral, "book", {"permanence_id": permanence})
    moved(house, referral, "walk")
    off = house.referral.post(f"/permanences/{permanence}/cancel").json()
    assert off["put_back"] == [referral]
    assert (view(house, referral)["status"], view(house, referral)["permanence_id"]) == ("issued", None)


def test_nobody_is_booked_with_another_partner_or_in_what_is_over(house: Street) -> None:
    (referral,) = Told(house, "health").chain(("p09", "issued"))
    of_another = free_permanence(house, "p17")
    over = f"{of_another.rpartition('_')[0]}_20080310T0900"
    for wrong in (of_another, over, "nowhere", "fontaine-d-ouche_bureau-1_20081399T0900"):
        problem_of(move(house, referral, "book", {"permanence_id": wrong}), 422, "permanence_id")
    assert view(house, referral)["version"] == 1


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("book", {}, "permanence_id"),
        ("book", {"permanence_id": CANARY}, "permanence_id"),
        ("book", {"permanence_id": "x", "place": 1}, "place"),
        ("withdraw", {}, "reason"),
        ("withdraw", {"reason": CANARY}, "reason"),
        ("reopen", {"reason": 3}, "reason"),
        ("reopen", {"reason": "mistake", "by": CANARY}, "by"),
        ("reroute", {"partner": None}, "partner"),
        ("reroute", {"partner": "x" * 17}, "partner"),
        ("complete", {"outcome": None}, "outcome"),
    ],
)
def test_a_wrong_body_names_its_field(verb: str, body: Any, field: str, house: Street) -> None:
    (referral,) = Told(house, "health").chain(("p09", "issued"))
    problem_of(move(house, referral, verb, body), 422, field)
    assert view(house, referral)["version"] == 1


@pytest.mark.parametrize(
    ("verb", "body"), [("complete", HELPED), ("reopen", MISTAKE), ("undo", None), ("receive", None), ("miss", None)]
)
def test_a_move_from_the_wrong_state_says_where_it_stands(verb: str, body: Any, house: Street) -> None:
    (referral,) = Told(house, "health").chain(("p09", "issued"))
    if verb in ("receive", "miss"):
        moved(house, referral, "receive")
    before = view(house, referral)
    problem = problem_of(move(house, referral, verb, body), 409)
    assert (problem["referral_status"], problem["version"]) == (before["status"], before["version"])
    assert view(house, referral) == before


LIFE: tuple[tuple[str, Any], ...] = (
    ("accept", None),
    ("walk", None),
    ("miss", None),
    ("receive", None),
    ("complete", HELPED),
    ("reopen", MISTAKE),
    ("undo", None),
    ("reopen", MISTAKE),
    ("decline", NO_CAPACITY),
    ("undo", None),
    ("withdraw", MISTAKE),
    ("reopen", MISTAKE),
    ("reroute", {"partner": "p02"}),
)


def test_each_move_sent_again_with_its_key_happens_once(house: Street, unique: str) -> None:
    told = Told(house, "health")
    (referral,) = told.chain(("p09", "issued"))
    for version, (verb, body) in enumerate(LIFE, 1):
        first = move(house, referral, verb, body, version, f"{unique}-{version}")
        assert first.status_code == 200, (verb, first.text)
        again = move(house, referral, verb, body, version, f"{unique}-{version}")
        assert (again.status_code, again.json()) == (200, first.json()), verb
        assert first.json()["version"] == version + 1
    told.chain(("p09", "rerouted"), ("p02", "withdrawn"), ("p02", "issued"))


def test_where_several_have_a_request_nothing_follows_while_one_of_them_has_it(house: Street) -> None:
    told = Told(house, "legal")
    until(lambda: len(told.shown()) == len(LEGAL))
    first, second = (one["referral_id"] for one in told.shown())
    assert {one["partner"] for one in told.shown()} == LEGAL
    moved(house, first, "decline", NO_CAPACITY)
    until(lambda: [one["status"] for one in told.shown()] == ["declined", "issued"])
    moved(house, second, "accept")
    moved(house, second, "decline", NO_CAPACITY)
    until(lambda: [one["status"] for one in told.shown()] == ["declined", "declined", "unmet"])

    moved(house, first, "reopen", MISTAKE)
    until(lambda: [one["status"] for one in told.shown()] == ["issued", "declined", "rerouted"])


def test_the_house_hands_nothing_to_a_partner_that_has_the_request_beside(house: Street) -> None:
    told = Told(house, "legal")
    until(lambda: len(told.shown()) == len(LEGAL))
    one, other = told.shown()
    problem_of(move(house, one["referral_id"], "reroute", {"partner": other["partner"]}), 422, "partner")
    assert [each["status"] for each in told.shown()] == ["issued", "issued"]


def test_of_several_who_give_up_at_once_one_is_the_last(house: Street) -> None:
    told = Told(house, "legal")
    until(lambda: len(told.shown()) == len(LEGAL))
    with ThreadPoolExecutor(2) as desks:
        ids = [one["referral_id"] for one in told.shown()]
        answers = list(desks.map(lambda referral: move(house, referral, "decline", NO_CAPACITY, 1), ids))
    assert [answer.status_code for answer in answers] == [200, 200]
    until(lambda: [one["status"] for one in told.shown()] == ["declined", "declined", "unmet"])


async def streamed(url: str, until_named: str) -> list[str]:
    """What a live queue sends, up to the first event of this referral."""
    seen = []
    async with listening(url) as events:
        async for event in events:
            seen.append(json.dumps(event.data))
            if event.data.get("referral_id") == until_named:
                break
    return seen


def test_no_partner_learns_of_another(house: Street) -> None:
    told = Told(house, "legal")
    until(lambda: len(told.shown()) == len(LEGAL))
    own, other = told.shown()
    moved(house, other["referral_id"], "decline", NO_CAPACITY)
    seen = [house.referral.get(f"/referrals/{own['referral_id']}").text]
    seen.append(house.referral.get(f"/queues/{own['partner']}", params={"limit": 200}).text)
    seen.append(json.dumps(moved(house, own["referral_id"], "accept")))
    url = f"{house.url('referral')}/queues/{own['partner']}/stream"
    seen += asyncio.run(streamed(url, until_named=own["referral_id"]))
    for said in seen:
        assert other["referral_id"] not in said
        assert f'"{other["partner"]}"' not in said
        assert not re.search(r"siblings|tried|beside", said)


_WHOSE = ("visit_id", "case_id", "request_id")


@pytest.mark.parametrize("role", ["front_desk", "coordinator", "nobody"])
def test_what_is_sensitive_is_told_to_its_partner_alone(role: str, house: Street) -> None:
    requests = [{"category": "legal", "topic": "famille--violences-conjugales"}]
    told = house.referrals_of(house.record("legal", requests=requests)["visit_id"])
    referral = told[0]["referral_id"]
    queue = house.referral.get(f"/referrals/{referral}").json()["queue"]
    desk = house.nobody("referral") if role == "nobody" else house.as_role(role, "referral")
    own = house.as_role("partner", "referral", partner=queue)
    if_match = {"If-Match": f'"{told[0]["version"]}"'}
    seen = [desk.get(f"/referrals/{referral}").json()]
    seen.append(desk.post(f"/referrals/{referral}/accept", headers=if_match).json())
    seen += desk.get(f"/queues/{queue}", params={"limit": 200}).json()["items"]
    with desk.stream("GET", f"/queues/{queue}/stream") as stream:
        seen.append(next(json.loads(line[6:]) for line in stream.iter_lines() if f'"{referral}"' in line))
    told_of = {(one["category"], one["topic"]) for one in seen if one["referral_id"] == referral}
    assert told_of == {("confidential", None)}
    # Nor whose it is: to have gone to this partner says what it is about. Without accounts nothing else says who comes.
    whose = {one[name] for one in seen if one["referral_id"] == referral for name in _WHOSE}
    assert (whose == {"confidential"}) == (role != "nobody")
    assert "confidential" not in {own.get(f"/referrals/{referral}").json()[name] for name in _WHOSE}
    assert own.get(f"/referrals/{referral}").json()["topic"] == "famille--violences-conjugales"


def test_who_has_it_next_does_not_learn_whose_it_was(house: Street) -> None:
    told = Told(house, "health")
    (first,) = told.chain(("p09", "issued"))
    moved(house, first, "decline", NO_CAPACITY)
    _, second = told.chain(("p09", "declined"), ("p02", "issued"))
    text = house.referral.get(f"/referrals/{second}").text
    assert first not in text
    assert "p09" not in text


@pytest.mark.parametrize("safe", [True, False, None])
def test_whether_somebody_may_be_rung_goes_with_the_request(safe: bool | None, street: Street) -> None:
    body = {"requests": [{"category": "housing", "safe_to_contact": safe}]}
    visit_id = street.intake.post("/visits", json=body).json()["visit_id"]
    (referral,) = street.referrals_of(visit_id)
    assert street.referral.get(f"/referrals/{referral['referral_id']}").json()["safe_to_contact"] is safe
    assert street.intake.get(f"/visits/{visit_id}").json()["requests"][0]["safe_to_contact"] is safe
    link = street.referral.post(f"/referrals/{referral['referral_id']}/link")
    assert link.status_code == (409 if safe is False else 201), link.text
