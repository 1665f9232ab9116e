"""The sign-in page: by the keyboard alone, without scripts, read aloud, on a small screen."""

from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import OpenedHouse

CHOSEN = "une phrase longue et inventée"


def made(house: OpenedHouse) -> tuple[str, str]:
    """(login, one-time password) of a new account."""
    login = f"desk-{uuid4().hex[:8]}"
    account = {"login": login, "display_name": "Agent inventé", "role": "front_desk"}
    key = {"X-House-Key": (house.data / "house.key").read_text()}
    answer = house.intake.post("/internal/accounts", json=account, headers=key)
    assert answer.status_code == httpx.codes.OK
    return login, answer.json()["one_time_password"]


def test_somebody_signs_in_for_the_first_time_by_the_keyboard_alone(house: OpenedHouse, page: Page) -> None:
    login, password = made(house)
    page.goto(f"{house.urls['intake']}/sign-in")
    for word in (login, password):
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.tagName") != "INPUT":
            page.keyboard.press("Tab")
        page.keyboard.type(word)
    page.keyboard.press("Enter")
    # The new password is asked for, and the words for that have the focus: nobody has made a mistake.
    page.wait_for_selector("#field-new_password")
    page.locator("[role=status]:focus", has_text="Bienvenue").wait_for()
    assert page.locator("[role=alert]").count() == 0
    assert page.input_value("#field-login") == login
    assert page.input_value("#field-password") == ""
    page.fill("#field-password", password)
    page.fill("#field-new_password", CHOSEN)
    page.keyboard.press("Enter")
    page.wait_for_selector("form[action='/sign-out']")
    page.keyboard.press("Tab")
    page.click("form[action='/sign-out'] button")
    page.wait_for_selector("#field-login")


def test_somebody_is_led_on_to_another_service_without_scripts(house: OpenedHouse, scriptless: Page) -> None:
    login, password = made(house)
    page = scriptless
    page.goto(f"{house.urls['intake']}/sign-in?service=referral&next=/partners")
    page.fill("#field-login", login)
    page.fill("#field-password", password)
    page.click("main button")
    page.wait_for_selector("#field-new_password")
    page.fill("#field-password", password)
    page.fill("#field-new_password", CHOSEN)
    page.click("main button")
    page.wait_for_url(f"{house.urls['referral']}/partners")


@pytest.mark.parametrize("screen", ["page", "narrow"])
def test_every_state_of_the_page_is_accessible(house: OpenedHouse, screen: str, request: pytest.FixtureRequest) -> None:
    page: Page = request.getfixturevalue(screen)
    login, password = made(house)
    page.goto(f"{house.urls['intake']}/sign-in")
    assert_accessible(page)
    page.fill("#field-login", login)
    page.fill("#field-password", "mauvais mot")
    page.click("main button")
    page.wait_for_selector("[role=alert]")
    assert_accessible(page)
    page.fill("#field-password", password)
    page.click("main button")
    page.wait_for_selector("#field-new_password")
    assert_accessible(page)
    page.fill("#field-password", password)
    page.fill("#field-new_password", CHOSEN)
    page.click("main button")
    page.wait_for_selector("form[action='/sign-out']")
    assert_accessible(page)
