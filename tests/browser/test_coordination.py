"""The coordinator's page in a browser: what is stuck is handed on, by keyboard and without scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import assert_accessible
from tests.servers import running_valkey
from tests.service.street import Street, open_street
from tests.service.stuck import leave_stuck


@pytest.fixture(scope="module")
def stuck_street(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """A street whose coordinator was told of four referrals."""
    folder = tmp_path_factory.mktemp("stuck")
    leave_stuck(folder)
    with running_valkey() as bus, open_street(folder, bus) as street:
        street.record("administrative")
        yield street


def go(page: Page, street: Street) -> None:
    page.goto(f"{street.url('referral')}/coordination")


def test_the_page_is_accessible_wide_and_narrow_closed_and_opened(
    page: Page, narrow: Page, stuck_street: Street
) -> None:
    for each in (page, narrow):
        go(each, stuck_street)
        assert each.url.endswith("/coordination/page")
        assert_accessible(each)
        for details in each.locator("details").all():
            details.locator("summary").click()
        assert_accessible(each)


def test_a_referral_is_handed_on_by_the_keyboard_alone(page: Page, stuck_street: Street) -> None:
    go(page, stuck_street)
    stuck = page.locator("section[aria-labelledby=stuck-title] li")
    before = stuck.count()
    page.locator("section[aria-labelledby=stuck-title] summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("CCAS")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="confiée à CCAS").wait_for()
    expect(stuck).to_have_count(before - 1)
    assert_accessible(page)


def test_a_referral_is_taken_back_without_scripts(scriptless: Page, stuck_street: Street) -> None:
    go(scriptless, stuck_street)
    first = scriptless.locator("section[aria-labelledby=stuck-title] li").first
    first.locator("summary").click()
    first.locator("select[name=reason]").select_option("no_longer_needed")
    first.get_by_role("button", name="Retirer").click()
    scriptless.get_by_role("status").filter(has_text="Demande retirée").wait_for()


def test_a_choice_that_cannot_be_is_said_on_the_page(page: Page, stuck_street: Street) -> None:
    go(page, stuck_street)
    # The confidential one offers every partner: not each of them may have it.
    secret = page.locator("li").filter(has_text="Confidentiel").first
    secret.locator("summary").click()
    secret.locator("select[name=partner]").select_option("p09")
    secret.get_by_role("button", name="Confier").click()
    page.get_by_role("alert").filter(has_text="ne peut pas recevoir cette demande").wait_for()
    assert_accessible(page)
