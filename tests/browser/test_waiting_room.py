"""The waiting room, what is said of a visit, and invitations, in a browser and by the keyboard alone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import OpenedHouse, Opening

STROKES_MAX = 6


@pytest.fixture
def desk(page: Page, house: OpenedHouse) -> Iterator[Page]:
    """A desk whose waiting room is empty, before and after."""
    empty(house)
    page.goto(f"{house.urls['intake']}/desk")
    yield page
    empty(house)


def empty(house: OpenedHouse) -> None:
    for one in house.intake.get("/arrivals").json()["waiting"]:
        at = {"If-Match": f'"{one["version"]}"'}
        assert house.intake.post(f"/arrivals/{one['arrival_id']}/left", headers=at).is_success


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def recorded(page: Page, house: OpenedHouse) -> dict[str, object]:
    """The visit that the page speaks of."""
    address = page.locator("#done").get_by_role("link", name="Fiche").get_attribute("href")
    assert address
    visit: dict[str, object] = house.intake.get(address.partition("/slip")[0]).json()
    return visit


def test_two_people_come_one_is_received_and_one_leaves_by_a_key_each(desk: Page, house: OpenedHouse) -> None:
    rows = desk.locator("#waiting-room li")
    # Quickly one after the other, they are two all the same.
    press(desk, "v", "v")
    expect(rows).to_have_count(2)
    first = house.intake.get("/arrivals").json()["waiting"][0]
    assert f"N° {first['ticket']}" in rows.first.inner_text()
    press(desk, "t")
    expect(rows).to_have_count(1)
    expect(desk.locator("#receiving")).to_contain_text(f"Numéro {first['ticket']}")
    expect(desk.locator("[name=category]").first).to_be_focused()
    press(desk, "s", "Enter")
    desk.locator("#another").wait_for()
    assert recorded(desk, house)["arrival_id"] == first["arrival_id"]
    # The next visit is nobody's of the room.
    expect(desk.locator("#receiving")).to_be_empty()
    press(desk, "q")
    expect(rows).to_have_count(0)
    assert house.intake.get(f"/arrivals/{first['arrival_id']}").json()["status"] == "received"


def test_a_move_by_mistake_is_taken_back_by_one_key_and_the_visit_is_nobodys_again(
    desk: Page, house: OpenedHouse
) -> None:
    rows, undo = desk.locator("#waiting-room ol li"), desk.locator("#undo button")
    press(desk, "v")
    expect(undo).to_contain_text("arrivé")
    assert_accessible(desk)
    press(desk, "t")
    expect(desk.locator("#receiving")).to_contain_text("cet accueil est le sien")
    press(desk, "z")
    expect(rows).to_have_count(1)
    expect(desk.locator("#receiving")).to_be_empty()
    expect(desk.locator("#live")).to_contain_text("comme avant")
    expect(undo).to_have_count(0)
    # What is not there is not undone: the same key once more does nothing.
    press(desk, "z")
    press(desk, "q")
    expect(rows).to_have_count(0)
    expect(undo).to_contain_text("parti")
    press(desk, "z")
    expect(rows).to_have_count(1)
    (one,) = house.intake.get("/arrivals").json()["waiting"]
    assert one["version"] == 5


def test_what_a_colleague_did_shows_by_itself_and_takes_nothing_away(desk: Page, house: OpenedHouse) -> None:
    press(desk, "d", "1")
    ticket = house.intake.post("/arrivals").json()["ticket"]
    expect(desk.locator("#waiting-room li")).to_contain_text(f"N° {ticket}")
    assert desk.locator("input[name=category]:checked").count() == 1


def test_whoever_is_too_late_is_told_and_sees_the_list_of_now(desk: Page, house: OpenedHouse) -> None:
    press(desk, "v")
    rows = desk.locator("#waiting-room li")
    expect(rows).to_have_count(1)
    (one,) = house.intake.get("/arrivals").json()["waiting"]
    # As a desk that has not heard yet: its form is of before.
    stale = rows.first.evaluate("row => row.querySelector('form').outerHTML")
    house.intake.post(f"/arrivals/{one['arrival_id']}/received", headers={"If-Match": '"1"'})
    expect(rows).to_have_count(0)
    desk.locator("#waiting-room ol").evaluate("(list, html) => { list.innerHTML = `<li>${html}</li>`; }", stale)
    press(desk, "q")
    expect(desk.locator("#done")).to_contain_text("plus rapide")
    expect(rows).to_have_count(0)


def test_language_needs_and_children_are_a_key_each_and_none_is_in_the_way(desk: Page, house: OpenedHouse) -> None:
    strokes = ("p", "m", "h", "j", "Enter")
    assert len(strokes) <= STROKES_MAX
    press(desk, *strokes)
    desk.locator("#another").wait_for()
    visit = recorded(desk, house)
    assert (visit["needs"], visit["children"], visit["language"]) == (["interpreter", "reader"], True, None)
    code = desk.locator("#done .code").inner_text()
    assert re.fullmatch(r"\w{3}-\w{3}-\w{3}", code)
    # All is as it was for the next one; a language is chosen in the list, and Enter records from there.
    assert desk.locator(".settings input:checked:not(#shortcuts)").count() == 0
    press(desk, "s", "g")
    desk.keyboard.type("turc")
    press(desk, "Enter")
    expect(desk.locator("#done .code")).to_have_count(0)
    desk.locator("#another").wait_for()
    visit = recorded(desk, house)
    assert (visit["language"], visit["needs"], visit["children"]) == ("tr", [], False)
    # The slip is in their language at once.
    link = desk.locator("#done").get_by_role("link", name="Fiche").get_attribute("href")
    assert link
    assert link.endswith("visitor=tr")


def test_what_is_said_of_a_visit_is_kept_in_a_draft(open_page: Opening, house: OpenedHouse) -> None:
    page = open_page()
    page.goto(f"{house.urls['intake']}/desk")
    # Only what records is cut off: a draft is kept, and sent when the house answers again.
    page.route("**/visits", lambda route: route.fulfill(status=429))
    press(page, "p", "j", "Enter")
    page.locator("#waiting[data-count='1']").wait_for()
    assert '"children":true' in page.evaluate("Object.values(localStorage).join()")
    with page.expect_response(lambda answer: answer.url.endswith("/visits") and answer.ok) as sent:
        page.unroute("**/visits")
        page.locator("#waiting[data-count='0']").wait_for(state="attached")
    assert sent.value.json()["invitation"]


def test_the_waiting_room_without_scripts(scriptless: Page, house: OpenedHouse) -> None:
    empty(house)
    scriptless.goto(f"{house.urls['intake']}/desk")
    scriptless.get_by_role("button", name="Quelqu’un arrive").click()
    scriptless.get_by_role("button", name="Recevoir le numéro").click()
    scriptless.locator("#receiving", has_text="cet accueil est le sien").wait_for()
    scriptless.get_by_role("button", name="Annuler").click()
    scriptless.get_by_text("la salle d’attente est comme avant").wait_for()
    scriptless.get_by_role("button", name="Recevoir le numéro").click()
    scriptless.locator("#receiving", has_text="cet accueil est le sien").wait_for()
    scriptless.locator("label.key", has_text="Santé").click()
    scriptless.get_by_label("Enfants à garder").check()
    scriptless.get_by_role("button", name="Enregistrer").click()
    scriptless.locator("#done .code").wait_for()
    assert recorded(scriptless, house)["arrival_id"]


def test_every_state_is_accessible_wide_and_narrow(page: Page, narrow: Page, house: OpenedHouse) -> None:
    for each in (page, narrow):
        for _ in range(2):
            house.intake.post("/arrivals")
        each.goto(f"{house.urls['intake']}/desk")
        each.locator("#waiting-room li").nth(1).wait_for()
        assert_accessible(each)
        each.get_by_role("button", name="Recevoir le numéro").first.click()
        each.locator("#receiving", has_text="cet accueil est le sien").wait_for()
        each.locator("label.key", has_text="Petite enfance").click()
        each.get_by_label("Enfants à garder").check()
        each.get_by_role("button", name="Enregistrer").click()
        each.locator("#done .code").wait_for()
        assert_accessible(each)
        slip = each.locator("#done").get_by_role("link", name="Fiche").get_attribute("href")
        code = each.locator("#done .code").inner_text()
        each.goto(f"{house.urls['intake']}{slip}?visitor=ar")
        assert_accessible(each)
        each.goto(f"{house.urls['intake']}/desk/invitations")
        assert_accessible(each)
        each.get_by_label("Code de la fiche").fill("000 000 000")
        each.keyboard.press("Enter")
        each.get_by_role("alert").filter(has_text="n’existe pas").wait_for()
        assert_accessible(each)
        each.get_by_label("Code de la fiche").fill(code.lower())
        each.keyboard.press("Enter")
        each.get_by_role("status").filter(has_text="C’est noté").wait_for()
        assert_accessible(each)
    empty(house)
