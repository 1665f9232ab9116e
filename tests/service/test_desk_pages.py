"""A partner's desk, as it comes from the server: what it lists, what it says of whom, and what its stream tells."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import httpx
import pytest

from services.referral.desk import ROWS
from services.referral.pages.rows import MOVES
from services.referral.pages.saying import DONE, OUTCOMES, REASONS, SAID_BY, STATUSES
from services.referral.words import ChangeReason, Outcome, SaidBy, Status
from shared.bus import position_of
from tests.service.street import Street

SENSITIVE = {"category": "legal", "topic": "famille--violences-conjugales"}
CUTS = 100


def issued(street: Street, partner: str, category: str, **more: str) -> str:
    """A referral to this partner that was just issued: its id."""
    request = {"category": category, "partner": partner, **more}
    recorded = street.intake.post("/visits", json={"requests": [request]}).json()
    (referral,) = street.referrals_of(recorded["visit_id"])
    assert referral["partner"] == partner
    found: str = referral["referral_id"]
    return found


def rows(street: Street, path: str) -> dict[str, str]:
    """What a page of a queue, and those that follow it, say of each referral."""
    found: dict[str, str] = {}
    while path:
        text = street.referral.get(path).text
        found |= dict(re.findall(r'id="r-([^"]+)"(.*?)</li>', text, re.DOTALL))
        more = re.search(r'class="button quiet-button" href="(/desks/p\d+\?[^"]*)"', text)
        path = unescape(more[1]) if more else ""
    return found


def listed(street: Street, path: str) -> list[str]:
    """The referrals of a page of a queue, and of those that follow it."""
    return list(rows(street, path))


def form(text: str, action: str) -> dict[str, str]:
    """What the form of a page sends that nobody has touched."""
    body = re.search(rf'<form method="post" action="{action}">(.*?)</form>', text, re.DOTALL)
    assert body, action
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', body[1])}


def send(street: Street, action: str, fields: dict[str, str]) -> httpx.Response:
    return street.referral.post(action, data=fields)


def test_a_queue_lists_what_is_open_oldest_first_and_page_by_page(street: Street) -> None:
    came = [issued(street, "p10", "employment") for _ in range(ROWS + 3)]
    found = listed(street, "/desks/p10")
    assert [one for one in found if one in came] == came
    assert len(found) == len(set(found))
    street.referral.post(f"/referrals/{came[0]}/accept", headers={"If-Match": '"1"'})
    assert came[0] in listed(street, "/desks/p10?status=accepted")
    assert came[0] not in listed(street, "/desks/p10?status=issued")
    assert listed(street, "/desks/p10?late=1") == []
    assert came[1] in listed(street, "/desks/p10?category=employment")
    assert came[1] not in listed(street, "/desks/p10?category=confidential")


def test_what_is_sensitive_is_confidential_on_every_list(street: Street) -> None:
    request = {"requests": [SENSITIVE]}
    (referral,) = street.referrals_of(street.intake.post("/visits", json=request).json()["visit_id"])
    one = referral["referral_id"]
    partner = street.referral.get(f"/referrals/{one}").json()["queue"]
    row = rows(street, f"/desks/{partner}")[one]
    assert "Demande confidentielle" in row
    assert not re.search("violence|juridique", row, re.IGNORECASE)
    assert one in listed(street, f"/desks/{partner}?category=confidential")
    # Found by its category it would be told all the same.
    assert one not in listed(street, f"/desks/{partner}?category=legal")
    # Whoever does not say who they are may be anybody.
    own = street.referral.get(f"/desks/referral/{one}").text
    assert "Demande confidentielle" in own
    assert not re.search("violence|juridique", own, re.IGNORECASE)


def test_a_form_sent_twice_is_carried_out_once(street: Street) -> None:
    one = issued(street, "p10", "employment")
    action = f"/desks/referral/{one}/accept"
    fields = form(street.referral.get(f"/desks/referral/{one}").text, action)
    for _ in range(2):
        answer = send(street, action, fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desks/p10")
    assert street.referral.get(f"/referrals/{one}").json()["version"] == 2


def test_one_comes_back_to_where_one_was_and_nowhere_else(street: Street) -> None:
    one = issued(street, "p10", "employment")
    page = street.referral.get(f"/desks/referral/{one}?status=issued&after=1&late=").text
    action = f"/desks/referral/{one}/accept"
    fields = form(page, action)
    assert fields["back"] == "status=issued&after=1"
    answer = send(
        street, action, {**fields, "back": "//evil.example/?next=http://evil.example&status=%0d%0aSet-Cookie:x"}
    )
    assert answer.headers["location"] == "/desks/p10"


def test_a_form_without_its_answer_comes_back_with_its_faults(street: Street) -> None:
    one = issued(street, "p10", "employment")
    action = f"/desks/referral/{one}/decline"
    fields = form(street.referral.get(f"/desks/referral/{one}").text, action)
    answer = send(street, action, {**fields, "reason": "moved"})
    assert answer.status_code == 422
    assert 'href="#field-said_by"' in answer.text
    assert re.search(r'value="moved" required checked', answer.text)
    assert street.referral.get(f"/referrals/{one}").json()["status"] == "issued"


def test_who_is_slower_is_told_who_was_faster(street: Street) -> None:
    one = issued(street, "p10", "employment")
    action = f"/desks/referral/{one}/decline"
    fields = form(street.referral.get(f"/desks/referral/{one}").text, action)
    street.referral.post(f"/referrals/{one}/accept", headers={"If-Match": '"1"'})
    answer = send(street, action, {**fields, "reason": "moved", "said_by": "person"})
    assert answer.status_code == 409
    assert "Quelqu’un d’autre a été plus rapide\u00a0: Plan Local" in answer.text
    assert "Acceptée" in answer.text
    assert len(re.findall(r'value="(?:moved|person)" required checked', answer.text)) == 2
    # What it shows now can be sent at once, on the version that it shows.
    assert form(answer.text, action)["version"] == "2"


@pytest.mark.parametrize(
    "path", ["/desks/p99", "/desks/coordinator", "/desks/referral/nothing", "/desks/p01/day?permanence=x"]
)
def test_what_there_is_not_is_a_page_that_says_so(path: str, street: Street) -> None:
    answer = street.referral.get(path)
    assert answer.status_code == 404
    assert "Cette page n’existe pas" in answer.text


@pytest.mark.parametrize("path", ["/desks/p01?after=x", "/desks/p01?surprise=1", "/week?day=tomorrow"])
def test_an_address_at_fault_is_a_page_that_says_so(path: str, street: Street) -> None:
    answer = street.referral.get(path)
    assert answer.status_code == 422
    assert "Cette adresse contient une erreur" in answer.text


def test_every_word_of_the_closed_lists_is_said() -> None:
    assert set(STATUSES) == set(Status)
    assert set(REASONS) >= set(ChangeReason)
    assert set(OUTCOMES) == set(Outcome)
    assert set(SAID_BY) == set(SaidBy)
    assert set(DONE) == {*MOVES, "undo"}


def events(answer: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """(cursor, what is told) of each event of a stream."""
    cursor = ""
    for line in answer.iter_lines():
        if line.startswith("id: "):
            cursor = line.removeprefix("id: ")
        elif line.startswith("data: "):
            told: dict[str, Any] = httpx.Response(200, content=line.removeprefix("data: ")).json()
            yield cursor, told


def test_a_stream_that_is_cut_a_hundred_times_loses_and_repeats_nothing(street: Street) -> None:
    page = street.referral.get("/desks/p15").text
    after = re.findall(r'data-after="([^"]+)"', page)[0]
    came = [issued(street, "p15", "employment") for _ in range(CUTS // 4)]
    for one in came:
        for version, verb in enumerate(("accept", "undo", "accept"), start=1):
            street.referral.post(f"/referrals/{one}/{verb}", headers={"If-Match": f'"{version}"'})
    heard: list[int] = []
    shown: list[str] = []
    for cut in range(CUTS):
        # A browser says by itself where it stood; a page that begins anew says it in its address.
        asked: dict[str, Any] = {"params": {"after": after}} if cut % 2 else {"headers": {"Last-Event-ID": after}}
        with street.referral.stream("GET", "/desks/p15/stream", **asked) as answer:
            after, told = next(events(answer))
        heard.append(position_of(after))
        shown.append(told["id"])
    assert len(set(heard)) == CUTS
    assert heard == sorted(heard)
    assert {one: shown.count(one) for one in came} == dict.fromkeys(came, 4)


def test_a_stream_says_what_belongs_to_the_page_and_how_it_looks(street: Street) -> None:
    page = street.referral.get("/desks/p15?status=accepted").text
    stream = unescape(re.findall(r'data-stream="([^"]+)"', page)[0])
    after = re.findall(r'data-after="([^"]+)"', page)[0]
    one = issued(street, "p15", "employment")
    with street.referral.stream("GET", f"{stream}&after={after}") as answer:
        told = next(told for _, told in events(answer) if told["id"] == one)
    assert told["shown"] is False
    assert told["html"].startswith(f'<li class="referral" id="r-{one}" data-version="1">')
    assert "ouverte" in told["open"]
    assert told["said"] == "Nouvelle demande\u00a0: Accès à l'emploi"
