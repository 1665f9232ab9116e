"""The page behind a link, in a browser: for somebody who has never seen the house, on whatever they have at hand."""

import httpx
import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import OpenedHouse
from tests.service.street import until


def given_link(house: OpenedHouse) -> tuple[str, str]:
    """The id of a new referral, and the address that answers it."""
    asked = {"category": "financial", "partner": "p03"}
    visit = house.intake.post("/visits", json={"requests": [asked]}).json()["visit_id"]

    def issued() -> list[str]:
        requests = house.intake.get(f"/visits/{visit}").json()["requests"]
        return [referral["referral_id"] for request in requests for referral in request["referrals"]]

    (referral,) = until(issued)
    link: httpx.Response = house.referral.post(f"/referrals/{referral}/link")
    return referral, house.urls["referral"] + str(link.json()["url"])


def status_of(house: OpenedHouse, referral: str) -> str:
    return str(house.referral.get(f"/referrals/{referral}").json()["status"])


@pytest.mark.parametrize("screen", ["page", "narrow"])
def test_every_state_of_the_page_is_accessible(house: OpenedHouse, screen: str, request: pytest.FixtureRequest) -> None:
    page: Page = request.getfixturevalue(screen)
    referral, address = given_link(house)
    page.goto(address)
    assert_accessible(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Répondre à une orientation")
    expect(page.get_by_role("navigation", name="Menu").get_by_role("link")).to_have_count(0)
    page.get_by_label("Je refuse").check()
    page.get_by_role("button", name="Envoyer la réponse").click()
    expect(page.get_by_role("alert")).to_contain_text("Indiquez la raison du refus.")
    assert_accessible(page)
    page.get_by_label("La raison, si vous refusez").select_option("no_capacity")
    page.get_by_role("button", name="Envoyer la réponse").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Merci")
    assert_accessible(page)
    assert status_of(house, referral) == "declined"
    page.goto(f"{house.urls['referral']}/answer/forged")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce lien ne fonctionne pas")
    assert_accessible(page)


def test_it_is_answered_by_the_keyboard_alone(house: OpenedHouse, page: Page) -> None:
    referral, address = given_link(house)
    page.goto(address)
    first = page.get_by_label("J’accepte")
    for _ in range(20):
        if first.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Merci")
    assert status_of(house, referral) == "accepted"


def test_it_is_answered_without_scripts(house: OpenedHouse, scriptless: Page) -> None:
    referral, address = given_link(house)
    scriptless.goto(address)
    scriptless.get_by_label("J’accepte").check()
    scriptless.get_by_role("button", name="Envoyer la réponse").click()
    expect(scriptless.get_by_role("heading", level=1)).to_have_text("Merci")
    assert status_of(house, referral) == "accepted"


def test_no_address_goes_out_with_what_the_page_asks_for(house: OpenedHouse, page: Page) -> None:
    _, address = given_link(house)
    asked: list[Request] = []

    def hear(request: Request) -> None:
        asked.append(request)

    page.on("request", hear)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert len(asked) > 3
    assert not [request.url for request in asked if "referer" in request.all_headers()]
