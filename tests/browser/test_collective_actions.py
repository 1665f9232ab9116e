"""Collective actions in a browser: entered by the keyboard alone, people named, the page of figures' review."""

from playwright.sync_api import Page

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import OpenedHouse, Opening
from tests.service.street import until

STROKES_MAX = 40
"""A minute leaves time for twice as many."""


class Keys:
    """A keyboard that counts."""

    def __init__(self, page: Page) -> None:
        self._page, self.strokes = page, 0

    def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self._page.keyboard.press(key)
            self.strokes += 1

    def write(self, text: str) -> None:
        self._page.keyboard.type(text)
        self.strokes += len(text)

    def until(self, selector: str) -> None:
        """Go on by the tabulator until something of the page has the focus."""
        for _ in range(STROKES_MAX):
            if self._page.evaluate("sought => document.activeElement.matches(sought)", selector):
                return
            self.press("Tab")
        raise AssertionError(f"{selector} was not reached")


def known_case(house: OpenedHouse) -> str:
    recorded = house.intake.post("/visits", json={"requests": [{"category": "health", "answered": True}]}).json()
    found: str = recorded["case_id"]
    return found


def test_an_action_is_entered_and_somebody_named_by_the_keyboard_alone(page: Page, house: OpenedHouse) -> None:
    page.goto(f"{house.urls['intake']}/desk/actions")
    keys = Keys(page)
    # The first field is in focus: a workshop, of the same day, about health, of twelve people.
    page.locator("[name=kind]:focus").wait_for()
    keys.press("ArrowDown")
    keys.until("[name=headcount]")
    keys.write("12")
    keys.press("Enter")
    page.get_by_role("status").filter(has_text="enregistrée").wait_for()
    assert keys.strokes <= STROKES_MAX
    keys.until("[name=known_as]")
    case = known_case(house)
    page.keyboard.insert_text(case)
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="C’est noté").wait_for()
    address = page.url.rpartition("/")[2]
    action = house.intake.get(f"/actions/{address}").json()
    assert (action["kind"], action["headcount"]) == ("workshop", 12)
    assert [one["case_id"] for one in action["attendances"]] == [case]


def test_the_pages_are_for_everybody_in_each_state(house: OpenedHouse, open_page: Opening, narrow: Page) -> None:
    wide, scriptless = open_page(), open_page(java_script_enabled=False)
    case = known_case(house)
    for number, each in enumerate((wide, narrow)):
        each.goto(f"{house.urls['intake']}/desk/actions")
        assert_accessible(each)
        each.locator("summary", has_text="Partenaires qui animent").click()
        assert_accessible(each)
        each.locator("[name=headcount]").fill("1")
        each.locator("[name=topic]").select_option(index=1)
        each.locator("[name=category]").select_option("other")
        each.get_by_role("button", name="Enregistrer l’action").click()
        each.get_by_role("alert").wait_for()
        assert_accessible(each)
        each.locator("[name=topic]").select_option("")
        each.get_by_role("button", name="Enregistrer l’action").click()
        each.get_by_role("status").filter(has_text="enregistrée").wait_for()
        assert_accessible(each)
        if number:
            # Who came to another one of the year is one button away.
            each.get_by_role("button", name=f"Était là : {case[-8:]}").click()
        else:
            each.get_by_label("Numéro du dossier").fill(case)
            each.keyboard.press("Enter")
        each.get_by_role("status").filter(has_text="C’est noté").wait_for()
        assert_accessible(each)
        each.get_by_label("Nombre de personnes").fill("0")
        each.get_by_role("button", name="Corriger le nombre").click()
        each.get_by_role("alert").wait_for()
        assert_accessible(each)
    scriptless.goto(narrow.url)
    scriptless.get_by_role("button", name="Retirer").click()
    scriptless.get_by_role("status").filter(has_text="C’est noté").wait_for()
    scriptless.locator("summary", has_text="n’a pas eu lieu").click()
    scriptless.get_by_role("button", name="Annuler l’action").click()
    scriptless.get_by_role("status").filter(has_text="annulée").wait_for()


def test_the_review_with_actions_and_people_is_for_everybody(house: OpenedHouse, narrow: Page) -> None:
    visit = {"occurred_at": "2024-03-12T10:00:00+01:00", "requests": [{"category": "health", "answered": True}]}
    case = house.intake.post("/visits", json=visit).json()["case_id"]
    breakfast = {
        "kind": "health_breakfast",
        "held_at": "2024-03-12T09:00:00+01:00",
        "category": "health",
        "headcount": 3,
    }
    action = house.intake.post("/actions", json=breakfast).json()["action_id"]
    house.intake.post(f"/actions/{action}/attendances", json={"case_id": case})

    def counted() -> bool:
        report = house.stats.get("/report/2024").json()
        return bool(report["actions"]["count"] and report["people"]["count"])

    until(counted)
    narrow.goto(f"{house.urls['stats']}/report/2024/page")
    narrow.get_by_role("heading", name="Les actions collectives").wait_for()
    narrow.get_by_role("heading", name="Les personnes", exact=True).wait_for()
    assert_accessible(narrow)
