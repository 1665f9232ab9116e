"""The front desk in a browser: a visit in six keystrokes, a cut network, a slip, a sheet of paper."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import STILL, OpenedHouse
from tests.service.street import until

KEYSTROKES_MAX = 6
CUT_OFF = 20


class Hands:
    """A worker's hands on the keyboard, counted."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.strokes = 0

    def press(self, *keys: str) -> "Hands":
        for key in keys:
            self._page.keyboard.press(key)
            self.strokes += 1
        return self


@pytest.fixture
def desk(page: Page, house: OpenedHouse) -> Page:
    page.goto(f"{house.urls['intake']}/desk")
    return page


@pytest.fixture
def cut_off(browser: Browser, house: OpenedHouse) -> Iterator[tuple[BrowserContext, Page]]:
    """A desk whose network a test may cut; what the browser complains of then is no fault."""
    context = browser.new_context(**STILL)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{house.urls['intake']}/desk")
    yield context, page
    context.close()


def counted(house: OpenedHouse) -> int:
    """How many visits the house has counted today."""
    found = re.search(r'id="count">([^<]+)<', house.intake.get("/desk").text)
    assert found
    return int(re.sub(r"\D", "", found[1]))


def last_visit(page: Page, house: OpenedHouse) -> list[tuple[str, str | None, bool]]:
    """What the visit that the page speaks of asked for: category, topic, answered."""
    address = page.locator("#done").get_by_role("link", name="Fiche").get_attribute("href")
    assert address
    visit = house.intake.get(address.removesuffix("/slip")).json()
    return [(one["category"], one["topic"], one["answered"]) for one in visit["requests"]]


def test_a_visit_with_a_topic_and_two_requests_takes_six_keystrokes_at_the_most(desk: Page, house: OpenedHouse) -> None:
    hands = Hands(desk).press("d", "1", "+", "s", "Enter")
    desk.locator("#another").wait_for()
    assert last_visit(desk, house) == [
        ("financial", "difficultes-financieres--situation-dendettement-surendettement", False),
        ("health", None, False),
    ]
    hands.press("Enter")
    assert hands.strokes <= KEYSTROKES_MAX
    # The next one: ready at once, nothing of the one before is left.
    assert desk.locator("#done").inner_text() == ""
    assert desk.evaluate("document.activeElement.name") == "category"
    assert desk.locator("input[name=category]:checked").count() == 0


def test_the_shortest_visit_takes_two_keystrokes(desk: Page, house: OpenedHouse) -> None:
    before = counted(house)
    Hands(desk).press("s", "Enter")
    desk.locator("#another").wait_for()
    assert desk.evaluate("document.activeElement.id") == "another"
    assert desk.locator("#count").inner_text() == str(before + 1)
    # A letter alone goes on to the next one.
    Hands(desk).press("i", "Enter")
    desk.locator("#done", has_text="répondu sur place").wait_for()
    assert counted(house) == before + 2


def test_answered_on_the_spot_and_taken_off_again_by_the_keyboard(desk: Page, house: OpenedHouse) -> None:
    hands = Hands(desk).press("s", "+", "e", "0", "+")
    desk.get_by_role("button", name="Retirer : Santé").click()
    hands.press("l")
    desk.keyboard.press("Enter")
    desk.locator("#another").wait_for()
    assert last_visit(desk, house) == [("legal", None, True), ("housing", None, False)]


def test_the_digits_of_a_french_keyboard_need_no_shift(desk: Page) -> None:
    desk.keyboard.press("d")
    event = "new KeyboardEvent('keydown', {key: '&', code: 'Digit1', bubbles: true})"
    desk.evaluate(f"document.body.dispatchEvent({event})")
    assert desk.locator(".door:visible input:checked").get_attribute("data-key") == "1"
    desk.keyboard.press("=")
    assert desk.locator("#chosen li").count() == 1


def test_keys_can_be_switched_off(desk: Page) -> None:
    desk.get_by_label("Touches du clavier").uncheck()
    desk.locator("h1").click()
    desk.keyboard.press("s")
    assert desk.locator("input[name=category]:checked").count() == 0
    desk.reload()
    assert not desk.get_by_label("Touches du clavier").is_checked()


def test_a_visit_takes_six_touches_at_the_most_on_a_telephone(narrow: Page, house: OpenedHouse) -> None:
    narrow.goto(f"{house.urls['intake']}/desk")
    touches = 0
    for target in (
        narrow.locator("label.key", has_text="Santé"),
        narrow.locator("label.door", has_text="Accès aux soins"),
        narrow.get_by_role("button", name="Enregistrer"),
        narrow.get_by_role("link", name="Accueil suivant"),
    ):
        target.tap()
        touches += 1
    assert touches <= KEYSTROKES_MAX
    assert narrow.locator("#done").inner_text() == ""


def test_a_visit_without_scripts(scriptless: Page, house: OpenedHouse) -> None:
    scriptless.goto(f"{house.urls['intake']}/desk")
    scriptless.locator("label.key", has_text="Santé").click()
    scriptless.get_by_role("button", name="Autre demande").click()
    scriptless.locator("label.key", has_text="Aide administrative").click()
    scriptless.get_by_role("button", name="Enregistrer").click()
    scriptless.get_by_role("link", name="Accueil suivant").wait_for()
    assert last_visit(scriptless, house) == [("health", None, False), ("administrative", None, True)]


def test_twenty_visits_without_network_replayed_twice_are_twenty(
    cut_off: tuple[BrowserContext, Page], house: OpenedHouse
) -> None:
    context, page = cut_off
    before = counted(house)
    context.set_offline(True)
    for number in range(CUT_OFF):
        page.keyboard.press("sdlf"[number % 4])
        page.keyboard.press("Enter")
        page.locator(f"#waiting[data-count='{number + 1}']").wait_for()
    # Where to send the person is said without the network too.
    assert "→" in page.locator("#done").inner_text()
    kept = page.evaluate("({...localStorage})")
    assert_accessible(page)
    context.set_offline(False)
    page.locator("#waiting[data-count='0']").wait_for(state="attached")
    assert counted(house) == before + CUT_OFF
    for _ in range(2):
        # The answers were lost: the same drafts lie here again, and are sent again.
        page.evaluate(
            "kept => Object.entries(kept).forEach(([name, value]) => localStorage.setItem(name, value))", kept
        )
        page.reload()
        page.locator("#waiting[data-count='0']").wait_for(state="attached")
        assert counted(house) == before + CUT_OFF


def test_a_confidential_request_is_never_kept_on_the_desk(
    cut_off: tuple[BrowserContext, Page], house: OpenedHouse
) -> None:
    context, page = cut_off
    before = counted(house)
    context.set_offline(True)
    page.keyboard.press("e")
    page.locator(".door:visible", has_text="Confidentiel").click()
    page.keyboard.press("Enter")
    page.locator("#done", has_text="jamais gardée").wait_for()
    assert page.evaluate("Object.keys(localStorage).length") == 0
    context.set_offline(False)
    # It is still in the form: sending it again is one keystroke.
    page.keyboard.press("Enter")
    page.locator("#another").wait_for()
    assert counted(house) == before + 1
    assert "iolences" not in page.locator("main").inner_text()


def test_a_draft_that_the_house_refuses_is_shown_and_can_be_cleared(
    cut_off: tuple[BrowserContext, Page], house: OpenedHouse
) -> None:
    context, page = cut_off
    context.set_offline(True)
    Hands(page).press("s", "Enter")
    page.locator("#waiting[data-count='1']").wait_for()
    forge = "name => localStorage.setItem(name, localStorage.getItem(name).replace('health', 'no-such-thing'))"
    page.evaluate(forge, page.evaluate("Object.keys(localStorage)[0]"))
    context.set_offline(False)
    page.locator("#waiting", has_text="Ressaisissez-les").wait_for()
    page.get_by_role("button", name="Fait : effacer").click()
    assert page.locator("#waiting").is_hidden()


def test_every_state_is_accessible_wide_and_narrow(page: Page, narrow: Page, house: OpenedHouse) -> None:
    for each in (page, narrow):
        each.goto(f"{house.urls['intake']}/desk")
        assert_accessible(each)
        each.locator("label.key", has_text="Aide juridique").click()
        each.locator(".others:visible summary").click()
        assert_accessible(each)
        each.get_by_role("button", name="Autre demande").click()
        each.locator("label.key", has_text="Santé").click()
        assert_accessible(each)
        each.get_by_role("button", name="Enregistrer").click()
        each.locator("#another").wait_for()
        assert_accessible(each)
        slip = each.locator("#done").get_by_role("link", name="Fiche").get_attribute("href")
        for visitor in ("fr", "ar"):
            each.goto(f"{house.urls['intake']}{slip}?visitor={visitor}")
            assert_accessible(each)
        each.goto(f"{house.urls['intake']}/desk/tally")
        assert_accessible(each)


def test_what_a_worker_forgot_is_said_and_in_focus_without_scripts(scriptless: Page, house: OpenedHouse) -> None:
    scriptless.goto(f"{house.urls['intake']}/desk")
    scriptless.get_by_role("button", name="Enregistrer").click()
    scriptless.get_by_role("alert").filter(has_text="Choisissez une catégorie").wait_for()


def test_the_slip_is_small_on_paper_and_shows_nothing_else(page: Page, house: OpenedHouse) -> None:
    recorded = house.intake.post("/visits", json={"requests": [{"category": "health"}]}).json()
    page.goto(f"{house.urls['intake']}/visits/{recorded['visit_id']}/slip?visitor=tr")
    page.emulate_media(media="print")
    millimetres = page.locator(".slip").evaluate("slip => slip.getBoundingClientRect().width / 96 * 25.4")
    assert millimetres <= 80
    assert page.get_by_role("button", name="Imprimer").is_hidden()
    assert page.locator("header").first.is_hidden()


def test_a_lost_day_is_entered_by_the_keyboard(page: Page, house: OpenedHouse) -> None:
    page.goto(f"{house.urls['intake']}/desk/tally")
    page.get_by_label("Jour").fill("2024-05-07")
    page.get_by_label("Santé, orientées").focus()
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="3 accueils enregistrés").wait_for()
    assert_accessible(page)
    day = {"from": "2024-05-07", "to": "2024-05-07"}
    count: Callable[[], bool] = lambda: house.stats.get("/stats/visits", params=day).json()["rows"] == [{"count": 3}]  # noqa: E731
    until(count)
