"""A partner's desk in a browser: answering by keyboard, by touch and without scripts, live, and undone."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import OpenedHouse, Opening
from tests.service.street import until

DESK = "/desks/p03"
"""A partner of the first house that is asked first about money, and is in the building every week."""


@pytest.fixture
def desk(house: OpenedHouse) -> Iterator[str]:
    """The address of the desk; its queue is emptied afterwards, so that each test has a queue of its own."""
    yield house.urls["referral"] + DESK
    for item in queue_of(house):
        path = f"/referrals/{item['referral_id']}/withdraw"
        house.referral.post(path, headers={"If-Match": f'"{item["version"]}"'}, json={"reason": "mistake"})


def queue_of(house: OpenedHouse) -> list[dict[str, str]]:
    items = house.referral.get(f"/queues/{DESK[-3:]}", params={"limit": 200}).json()["items"]
    return [item for item in items if item["status"] in {"issued", "accepted", "booked", "received", "missed"}]


def hand_over(house: OpenedHouse, count: int = 1, **request: object) -> list[str]:
    """Record visits that ask this partner; the ids of the referrals, oldest first, once they are in its queue."""
    before = {item["referral_id"] for item in queue_of(house)}
    for _ in range(count):
        asked = {"category": "financial", "partner": DESK[-3:], **request}
        answer = house.intake.post("/visits", json={"requests": [asked]})
        assert answer.status_code == 201, answer.text

    def new() -> list[str]:
        found = [item["referral_id"] for item in queue_of(house) if item["referral_id"] not in before]
        return found if len(found) == count else []

    return until(new)


def token_of(house: OpenedHouse, partner: str) -> str:
    key = {"X-House-Key": (house.data / "house.key").read_text()}
    answer = house.intake.post("/internal/tokens", json={"role": "partner", "partner": partner}, headers=key)
    token: str = answer.json()["token"]
    return token


def row(page: Page, referral_id: str) -> Locator:
    return page.locator(f"#r-{referral_id}")


def state_of(house: OpenedHouse, referral_id: str) -> tuple[str, int]:
    view = house.referral.get(f"/referrals/{referral_id}").json()
    return view["status"], view["version"]


def press_until(page: Page, key: str, target: Locator, times_max: int = 60) -> None:
    """Press a key until the focus is there."""
    for _ in range(times_max):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{key} never led there")


class TestEveryState:
    """Nothing to hear of axe, and nothing wider than the screen."""

    @pytest.fixture(params=["page", "narrow"])
    def seen(self, request: pytest.FixtureRequest) -> Page:
        found: Page = request.getfixturevalue(request.param)
        return found

    def test_an_empty_queue_is_accessible(self, seen: Page, desk: str) -> None:
        seen.goto(desk)
        expect(seen.locator("#empty")).to_be_visible()
        assert_accessible(seen)

    def test_a_filled_queue_is_accessible_with_and_without_its_notice(
        self, seen: Page, desk: str, house: OpenedHouse
    ) -> None:
        first, *_ = hand_over(house, 3)
        seen.goto(desk)
        expect(seen.locator(".referral")).to_have_count(3)
        seen.get_by_text("Filtrer").first.click()
        assert_accessible(seen)
        row(seen, first).get_by_role("button", name="Accepter").click()
        expect(seen.locator(".notice")).to_be_focused()
        assert_accessible(seen)

    def test_a_referral_with_all_its_forms_and_their_faults_is_accessible(
        self, seen: Page, desk: str, house: OpenedHouse
    ) -> None:
        (one,) = hand_over(house)
        seen.goto(f"{desk}")
        row(seen, one).get_by_role("link", name="Autres réponses").click()
        seen.locator("summary", has_text="Refuser").wait_for()
        for summary in seen.locator("summary").all():
            summary.click()
        assert_accessible(seen)
        # A browser asks for each answer; a form that comes without one is told at the server.
        seen.locator("input[required]").evaluate_all("all => all.forEach(one => one.required = false)")
        seen.get_by_role("button", name="Refuser").click()
        expect(seen.locator(".fault")).to_be_focused()
        expect(seen).to_have_title(re.compile("^Erreur"))
        expect(seen.locator(".fault a")).to_have_count(2)
        assert_accessible(seen)

    def test_the_other_pages_are_accessible(self, seen: Page, house: OpenedHouse) -> None:
        for path in ("/desks", f"{DESK}/day", "/week", "/desks/p99", f"{DESK}?lang=en"):
            seen.goto(house.urls["referral"] + path)
            assert_accessible(seen)


def test_a_request_is_accepted_and_that_is_undone_with_the_keyboard_alone(
    page: Page, desk: str, house: OpenedHouse
) -> None:
    (one,) = hand_over(house)
    page.goto(desk)
    press_until(page, "Tab", row(page, one).get_by_role("button", name="Accepter"))
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_be_focused()
    assert state_of(house, one) == ("accepted", 2)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Annuler")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(".notice")).to_contain_text("C’est annulé")
    assert state_of(house, one) == ("issued", 3)


def test_a_request_is_declined_with_the_keyboard_alone(page: Page, desk: str, house: OpenedHouse) -> None:
    (one,) = hand_over(house)
    page.goto(desk)
    press_until(page, "Tab", row(page, one).get_by_role("link", name="Autres réponses"))
    page.keyboard.press("Enter")
    press_until(page, "Tab", page.locator("summary", has_text="Refuser"))
    page.keyboard.press("Enter")
    press_until(page, "Tab", page.locator("details[open] input[name=reason]").first)
    page.keyboard.press("Space")
    press_until(page, "Tab", page.locator("details[open] input[name=said_by]").first)
    page.keyboard.press("ArrowDown")
    press_until(page, "Tab", page.get_by_role("button", name="Refuser"))
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("Refus enregistré")
    assert house.referral.get(f"/referrals/{one}").json()["reason"] == "no_capacity"
    page.get_by_role("button", name="Annuler").press("Enter")
    expect(row(page, one)).to_be_visible()


@pytest.mark.parametrize("kind", ["scriptless", "narrow"])
def test_a_referral_goes_its_whole_way_by_touch_and_without_scripts(
    kind: str, request: pytest.FixtureRequest, desk: str, house: OpenedHouse
) -> None:
    page: Page = request.getfixturevalue(kind)
    press: Callable[[Locator], None] = Locator.tap if kind == "narrow" else Locator.click
    (one,) = hand_over(house)
    page.goto(desk)

    def open_form(name: str) -> Locator:
        press(row(page, one).get_by_role("link", name=re.compile("Autres réponses|Ouvrir")))
        press(page.locator("summary", has_text=name))
        return page.locator("details[open]")

    def undone(version: int) -> None:
        press(page.locator(".notice").get_by_role("button", name="Annuler"))
        expect(page.locator(".notice")).to_contain_text("C’est annulé")
        assert state_of(house, one)[1] == version

    press(row(page, one).get_by_role("button", name="Accepter"))
    # A press does not wait for the page that it leads to: what comes next must not be done on the old one.
    expect(page.locator(".notice")).to_contain_text("acceptée")
    form = open_form("Donner un rendez-vous")
    form.get_by_role("radio").first.check()
    press(form.get_by_role("button"))
    expect(row(page, one)).to_contain_text("place 1")
    press(row(page, one).get_by_role("button", name="Absente"))
    expect(row(page, one)).to_contain_text("Personne absente")
    undone(5)
    press(row(page, one).get_by_role("button", name="Personne reçue"))
    expect(page.locator(".notice")).to_contain_text("Personne reçue")
    form = open_form("Terminer")
    form.get_by_role("radio", name="La personne a été aidée", exact=True).check()
    press(form.get_by_role("button"))
    expect(row(page, one)).to_have_count(0)
    undone(8)
    form = open_form("Terminer")
    form.get_by_role("radio").first.check()
    press(form.get_by_role("button"))
    expect(page.locator(".notice")).to_contain_text("terminée")
    # Its own page: the list of what has ended is as long as what other tests have ended.
    page.goto(f"{house.urls['referral']}/desks/referral/{one}")
    press(page.locator("summary", has_text="Rouvrir"))
    form = page.locator("details[open]")
    form.get_by_role("radio").first.check()
    press(form.get_by_role("button"))
    expect(page.locator(".notice")).to_contain_text("rouverte")
    assert state_of(house, one) == ("issued", 10)


def test_who_was_slower_reads_who_was_faster_and_keeps_what_was_chosen(
    page: Page, desk: str, house: OpenedHouse
) -> None:
    (one,) = hand_over(house)
    page.goto(desk)
    row(page, one).get_by_role("link", name="Autres réponses").click()
    page.locator("summary", has_text="Refuser").click()
    form = page.locator("details[open]")
    form.get_by_role("radio", name="Ce n’est pas notre mission").check()
    form.get_by_role("radio", name="La personne elle-même").check()
    house.referral.post(f"/referrals/{one}/accept", headers={"If-Match": '"1"'})
    form.get_by_role("button", name="Refuser").click()
    expect(page.locator(".fault")).to_contain_text("Quelqu’un d’autre a été plus rapide")
    expect(page.locator(".fault")).to_contain_text(re.compile(r"aujourd’hui \d+.h"))
    expect(page.locator(".fault")).to_contain_text("Acceptée")
    form = page.locator("details[open]")
    expect(form.get_by_role("radio", name="Ce n’est pas notre mission")).to_be_checked()
    expect(form.get_by_role("radio", name="La personne elle-même")).to_be_checked()
    assert_accessible(page)
    form.get_by_role("button", name="Refuser").click()
    expect(page.locator(".notice")).to_contain_text("Refus enregistré")


def test_a_queue_fills_and_changes_before_ones_eyes(page: Page, desk: str, house: OpenedHouse) -> None:
    page.goto(desk)
    expect(page.locator("#state")).to_have_text("En direct")
    first, second = hand_over(house, 2)
    expect(row(page, first)).to_be_visible()
    expect(page.locator("#open")).to_have_text("2 demandes ouvertes")
    expect(page.locator("#live")).to_contain_text("Nouvelle demande")
    row(page, second).get_by_role("button", name="Accepter").focus()
    house.referral.post(f"/referrals/{first}/accept", headers={"If-Match": '"1"'})
    expect(row(page, first)).to_contain_text("Acceptée")
    # The keyboard stays where it was.
    expect(row(page, second).get_by_role("button", name="Accepter")).to_be_focused()
    row(page, first).get_by_role("button", name="Personne reçue").click()
    expect(page.locator(".notice")).to_contain_text("reçue")


def test_a_cut_and_a_pause_lose_nothing_and_repeat_nothing(page: Page, desk: str, house: OpenedHouse) -> None:
    page.goto(desk)
    expect(page.locator("#state")).to_have_text("En direct")
    page.get_by_role("button", name="Mettre en pause").click()
    came = hand_over(house, 2)
    expect(page.locator("#state")).to_have_text("En pause")
    expect(page.locator(".referral")).to_have_count(0)
    page.get_by_role("button", name="Reprendre").click()
    expect(page.locator(".referral")).to_have_count(2)
    context: BrowserContext = page.context
    context.set_offline(offline=True)
    came += hand_over(house, 2)
    context.set_offline(offline=False)
    expect(page.locator(".referral")).to_have_count(4)
    assert [each.get_attribute("id") for each in page.locator(".referral").all()] == [f"r-{one}" for one in came]


def test_a_page_whose_place_the_house_no_longer_knows_begins_anew(page: Page, desk: str, house: OpenedHouse) -> None:
    page.goto(desk)
    expect(page.locator("#state")).to_have_text("En direct")
    page.get_by_role("button", name="Mettre en pause").click()
    came = hand_over(house, 1)
    # As after a restore with another key: no replica reads what it was given.
    page.evaluate("after = 'a place of another house'")
    page.get_by_role("button", name="Reprendre").click()
    expect(row(page, came[0])).to_be_visible()
    expect(page.locator("#state")).to_have_text("En direct")


def test_what_is_sensitive_is_named_on_no_list_and_only_behind_a_click(page: Page, house: OpenedHouse) -> None:
    visit = house.intake.post(
        "/visits", json={"requests": [{"category": "legal", "topic": "famille--violences-conjugales"}]}
    )
    if visit.status_code != httpx.codes.CREATED:
        pytest.fail(visit.text)

    def handed() -> dict[str, str] | None:
        (request,) = house.intake.get(f"/visits/{visit.json()['visit_id']}").json()["requests"]
        return next(iter(request["referrals"]), None)

    referral = until(handed)
    assert referral
    partner = house.referral.get(f"/referrals/{referral['referral_id']}").json()["queue"]
    page.goto(f"{house.urls['referral']}/desks/{partner}")
    shown = row(page, referral["referral_id"])
    expect(shown).to_contain_text("Demande confidentielle")
    assert not re.search("juridique|violence", page.locator("#queue").inner_html(), re.IGNORECASE)
    shown.get_by_role("link", name="Autres réponses").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Demande confidentielle")
    # Nobody has said who they are yet.
    expect(page.get_by_text("Voir le sujet")).to_have_count(0)
    page.set_extra_http_headers({"Authorization": f"Bearer {token_of(house, partner)}"})
    page.reload()
    expect(page.get_by_text("Violences")).to_be_hidden()
    page.get_by_text("Voir le sujet").click()
    expect(page.get_by_text("Violences")).to_be_visible()
    assert_accessible(page)


def test_the_day_list_prints_on_one_sheet(page: Page, desk: str, house: OpenedHouse) -> None:
    (one,) = hand_over(house)
    page.goto(desk)
    row(page, one).get_by_role("link", name="Autres réponses").click()
    page.locator("summary", has_text="Donner un rendez-vous").click()
    page.locator("details[open]").get_by_role("radio").first.check()
    page.locator("details[open]").get_by_role("button").click()
    expect(page.locator(".notice")).to_be_visible()
    page.get_by_role("link", name="Liste du jour").click()
    page.wait_for_url("**/day*")
    page.set_viewport_size({"width": 320, "height": 720})
    assert_accessible(page)
    expect(page.locator("tbody tr", has_text="Rendez-vous donné")).to_have_count(1)
    printed = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed)) == 1
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation").first).to_be_hidden()


def test_somebody_is_walked_to_the_door_and_the_permanence_is_then_called_off(
    page: Page, desk: str, house: OpenedHouse
) -> None:
    (one,) = hand_over(house)
    page.goto(f"{house.urls['referral']}/desks/referral/{one}")
    page.locator("summary", has_text="Donner un rendez-vous").click()
    page.locator("details[open]").get_by_role("radio").last.check()
    page.locator("details[open]").get_by_role("button").click()
    expect(page.locator(".notice")).to_be_visible()
    page.goto(f"{house.urls['referral']}/desks/referral/{one}")
    page.get_by_role("button", name="Accompagnée à la porte").click()
    page.get_by_role("status").filter(has_text="accompagnée à la porte").wait_for()
    assert state_of(house, one)[0] == "walked"

    booked = house.referral.get(f"/referrals/{one}").json()
    page.goto(f"{house.urls['referral']}/week?day={booked['starts_at'][:10]}")
    page.locator(f"a[href$='{booked['permanence_id']}']").click()
    page.locator("summary", has_text="Annuler cette permanence").click()
    expect(page.locator("details[open]")).to_contain_text("Une personne devait y venir")
    assert_accessible(page)
    page.get_by_role("button", name="Annuler la permanence").click()
    expect(page.get_by_role("heading", name="À prévenir")).to_be_visible()
    expect(page.locator(f"a[href='/desks/referral/{one}']")).to_be_visible()
    expect(page.get_by_role("button", name="Annuler la permanence")).to_have_count(0)
    assert_accessible(page)
    assert state_of(house, one)[0] == "issued"


def test_a_page_calls_nobody_but_its_own_house(page: Page, desk: str, house: OpenedHouse) -> None:
    asked: list[str] = []
    received: list[Request] = []

    def hear(request: Request) -> None:
        received.append(request)

    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfinished", hear)
    hand_over(house, 25)
    page.goto(desk)
    expect(page.locator("#state")).to_have_text("En direct")
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(desk).netloc}
    assert sum(request.sizes()["responseBodySize"] for request in received) < 100_000


def test_a_long_queue_is_read_page_by_page(open_page: Opening, desk: str, house: OpenedHouse) -> None:
    came = hand_over(house, 30)
    page = open_page(java_script_enabled=False)
    page.goto(desk)
    assert page.locator(".referral").count() == 25
    page.get_by_role("link", name="Suite de la liste").click()
    expect(page.locator(".referral")).to_have_count(5)
    assert [each.get_attribute("id") for each in page.locator(".referral").all()] == [f"r-{one}" for one in came[25:]]
    row(page, came[-1]).get_by_role("button", name="Accepter").click()
    # One is back where one was.
    expect(row(page, came[-1])).to_contain_text("Acceptée")
