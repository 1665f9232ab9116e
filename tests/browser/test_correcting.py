"""Correcting and voiding in a browser: one key from the desk, and one more."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import STILL, OpenedHouse
from tests.service.street import until


@pytest.fixture
def desk(page: Page, house: OpenedHouse) -> Page:
    page.goto(f"{house.urls['intake']}/desk")
    return page


@pytest.fixture
def cut_off(browser: Browser, house: OpenedHouse) -> Iterator[Page]:
    """A desk whose network a test may cut; what the browser complains of then is no fault."""
    context = browser.new_context(**STILL)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{house.urls['intake']}/desk")
    yield page
    context.close()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def recorded(page: Page, *keys: str) -> None:
    press(page, *keys, "Enter")
    page.locator("#another").wait_for()


def test_the_last_entry_is_voided_with_one_key_and_one_to_confirm(desk: Page, house: OpenedHouse) -> None:
    recorded(desk, "s")
    press(desk, "Backspace")
    desk.wait_for_url("**/desk/visits/*")
    assert_accessible(desk)
    visit_id = desk.url.rpartition("/")[2]
    desk.locator("main button:focus").wait_for()
    press(desk, "Enter")
    desk.wait_for_url("**/desk")
    assert "Accueil annulé" in desk.inner_text("main")
    assert house.intake.get(f"/visits/{visit_id}").json()["voided_for"] == "mistake"
    assert desk.locator(f'a[href="/desk/visits/{visit_id}"] ~ s').count() == 1
    assert_accessible(desk)


def test_the_last_entry_is_corrected_by_the_keyboard_alone(desk: Page, house: OpenedHouse) -> None:
    recorded(desk, "s")
    press(desk, "Enter", "Backspace")
    desk.wait_for_url("**/desk/visits/*")
    visit_id = desk.url.rpartition("/")[2]
    subject = desk.get_by_label("Sujet").first
    subject.focus()
    subject.select_option("housing:")
    press(desk, "Tab")
    desk.get_by_role("button", name="Corriger").press("Enter")
    desk.wait_for_url("**/desk")
    (request,) = house.intake.get(f"/visits/{visit_id}").json()["requests"]
    assert request["category"] == "housing"


def test_the_key_does_nothing_while_a_visit_is_being_chosen(desk: Page, house: OpenedHouse) -> None:
    recorded(desk, "s")
    press(desk, "Enter", "d", "Backspace")
    assert desk.url.endswith("/desk")
    assert desk.locator("input[name=category]:checked").count() == 1


def test_an_entry_that_is_not_sent_yet_is_not_mistaken_for_the_one_before(cut_off: Page) -> None:
    desk = cut_off
    recorded(desk, "s")
    press(desk, "Enter")
    desk.route("**/visits", lambda route: route.abort())
    press(desk, "d", "Enter")
    desk.locator("#waiting").wait_for()
    until(lambda: desk.locator("#waiting").get_attribute("data-count") == "1")
    press(desk, "Backspace")
    desk.get_by_text("pas encore partie").first.wait_for()
    assert "/desk/visits/" not in desk.url


def test_without_scripts_the_same_is_done_by_links_and_forms(scriptless: Page, house: OpenedHouse) -> None:
    answer = house.intake.post("/visits", json={"requests": [{"category": "legal"}]})
    scriptless.goto(f"{house.urls['intake']}/desk")
    scriptless.locator("#last").click()
    scriptless.wait_for_url(f"**/{answer.json()['visit_id']}")
    scriptless.get_by_label("Pourquoi").select_option("duplicate")
    scriptless.get_by_role("button", name="Annuler cet accueil").click()
    scriptless.get_by_text("Accueil annulé").wait_for()
    assert house.intake.get(f"/visits/{answer.json()['visit_id']}").json()["voided_for"] == "duplicate"


def test_nothing_changed_is_said_and_accessible(cut_off: Page, house: OpenedHouse) -> None:
    answer = house.intake.post("/visits", json={"requests": [{"category": "legal"}]})
    cut_off.goto(f"{house.urls['intake']}/desk/visits/{answer.json()['visit_id']}")
    cut_off.get_by_role("button", name="Corriger").click()
    cut_off.get_by_text("Rien n’a été changé").wait_for()
    assert_accessible(cut_off)


def test_language_and_children_are_put_right_by_the_keyboard_and_the_code_is_there(
    desk: Page, house: OpenedHouse
) -> None:
    recorded(desk, "s")
    press(desk, "Enter", "Backspace")
    desk.wait_for_url("**/desk/visits/*")
    desk.get_by_role("combobox", name="Langue").focus()
    desk.keyboard.type("turc")
    press(desk, "Tab", "Tab", "Tab", "Space", "Enter")
    desk.wait_for_url("**/desk?*done=*")
    desk.locator("#done .code").wait_for()
    assert "Accueil corrigé" in desk.inner_text("main")
    visit_id = desk.url.partition("done=")[2].partition("&")[0]
    visit = house.intake.get(f"/visits/{visit_id}").json()
    assert (visit["language"], visit["needs"], visit["children"]) == ("tr", [], True)
    assert_accessible(desk)


def test_what_was_typed_stays_after_a_fault_and_the_fault_is_beside_its_field(
    cut_off: Page, narrow: Page, house: OpenedHouse
) -> None:
    for page in (cut_off, narrow):
        answer = house.intake.post("/visits", json={"requests": [{"category": "legal"}, {"category": "health"}]})
        page.goto(f"{house.urls['intake']}/desk/visits/{answer.json()['visit_id']}")
        page.get_by_label("Modalité").select_option("mail")
        page.get_by_label("N’a pas été demandé").first.check()
        page.get_by_label("Jour et heure").evaluate("field => { field.max = ''; field.value = '2999-01-01T10:00'; }")
        page.get_by_role("button", name="Corriger").click()
        page.get_by_role("alert").get_by_role("link", name="Choisissez un moment passé").wait_for()
        assert page.get_by_label("Jour et heure").get_attribute("aria-describedby") == "fault-at"
        assert page.get_by_label("Modalité").input_value() == "mail"
        assert page.get_by_label("N’a pas été demandé").first.is_checked()
        assert_accessible(page)


def test_the_page_fits_a_telephone(narrow: Page, house: OpenedHouse) -> None:
    answer = house.intake.post("/visits", json={"requests": [{"category": "legal"}, {"category": "health"}]})
    narrow.goto(f"{house.urls['intake']}/desk/visits/{answer.json()['visit_id']}")
    assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert_accessible(narrow)
