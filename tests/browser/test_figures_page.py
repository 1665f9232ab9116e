"""The live figures and the yearly review in a browser: moving, paused, without scripts, by keyboard, on paper."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import assert_accessible
from tests.servers import running_valkey
from tests.service.street import Street, open_street, until
from tests.two_sites import SECOND, house_of_two_sites

REVIEWED = 2007
A4_INNER = {"width": 703, "height": 1000}
"""An A4 sheet less its margins of 12 mm, in a browser's pixels."""


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Street]:
    """The services of a house of two sites, with two years to compare."""
    folder = tmp_path_factory.mktemp("figures") / "data"
    house = house_of_two_sites(folder)
    with running_valkey() as bus:
        with open_street(folder, bus, catalogue=house) as opened:
            for month in range(1, 13):
                opened.record("health", "housing", occurred_at=f"{REVIEWED}-{month:02}-05T10:00:00+01:00")
                opened.record("legal", occurred_at=f"{REVIEWED - 1}-{month:02}-05T10:00:00+01:00", site=SECOND)
            opened.record("administrative", site=SECOND, channel="phone")
            opened.referrals_of(opened.record("health")["visit_id"])
        # Periods that are over are published when stats starts.
        with open_street(folder, bus, catalogue=house) as opened:
            until(lambda: opened.stats.get(f"/report/{REVIEWED}/city").is_success)
            # What comes late would move the figures under a test's eyes.
            until(lambda: opened.stats.get("/stats/visits").json()["rows"] == [{"count": 26}])
            yield opened


def address(street: Street, path: str) -> str:
    return street.url("stats") + path


def today(page: Page) -> int:
    """How many visits the page shows for today."""
    return int(page.locator("[sse-swap=visits] tbody td").first.inner_text())


@pytest.mark.parametrize("kind", ["page", "narrow"])
@pytest.mark.parametrize(
    "path",
    [
        "/figures",
        f"/figures?site={SECOND}&lang=en",
        f"/report/{REVIEWED}/page",
        "/report/1999/page?lang=en",
        f"/report/{REVIEWED}/city/page",
        "/report/1999/city/page?lang=en",
        "/figures/bi",
        "/figures/bi?lang=en",
    ],
)
def test_every_page_is_accessible(kind: str, path: str, request: pytest.FixtureRequest, street: Street) -> None:
    page: Page = request.getfixturevalue(kind)
    page.goto(address(street, path))
    for summary in page.locator("summary").all():
        summary.click()
    assert_accessible(page)


def test_the_figures_move_as_visits_are_recorded_and_a_pause_loses_none(page: Page, street: Street) -> None:
    page.goto(address(street, "/figures"))
    expect(page.locator("#state")).to_have_text("En direct")
    before, cell = today(page), page.locator("[sse-swap=visits] tbody td").first
    street.record("employment")
    expect(cell).to_have_text(str(before + 1))
    expect(page.locator("[sse-swap=visits-category]")).to_contain_text("Accès à l'emploi")
    pause = page.get_by_role("button", name="Mettre en pause")
    pause.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#state")).to_have_text("En pause")
    street.record("employment")
    until(lambda: street.stats.get("/stats/live").json()["figures"]["visits"]["today"]["count"] == before + 2)
    assert today(page) == before + 1
    page.keyboard.press("Enter")
    expect(cell).to_have_text(str(before + 2))
    expect(page.get_by_role("button", name="Mettre en pause")).to_be_focused()


def test_what_is_open_stays_open_while_the_figures_move(page: Page, street: Street) -> None:
    page.goto(address(street, "/figures"))
    page.locator("section", has=page.locator("#visits")).locator("summary").click()
    before = today(page)
    street.record("training")
    expect(page.locator("[sse-swap=visits] tbody td").first).to_have_text(str(before + 1))
    expect(page.get_by_text("avec une ou plusieurs demandes")).to_be_visible()


def test_without_scripts_everything_is_there_and_a_link_refreshes_it(scriptless: Page, street: Street) -> None:
    scriptless.goto(address(street, f"/figures?site={SECOND}"))
    expect(scriptless.locator("#pause")).to_be_hidden()
    before = today(scriptless)
    street.record("legal", site=SECOND)
    while today(scriptless) == before:
        scriptless.get_by_role("link", name="Actualiser").click()
    assert today(scriptless) == before + 1
    scriptless.locator("select[name=site]").select_option("")
    scriptless.get_by_role("button", name="Montrer").click()
    expect(scriptless.locator("#sites")).to_be_visible()
    expect(scriptless.locator("svg[role=img]").first).to_be_visible()


def test_another_year_is_chosen_without_scripts(scriptless: Page, street: Street) -> None:
    scriptless.goto(address(street, "/report"))
    scriptless.get_by_role("spinbutton", name="Année").fill(str(REVIEWED))
    scriptless.get_by_role("button", name="Montrer").click()
    expect(scriptless).to_have_title(re.compile(f"^Bilan {REVIEWED}"))


def test_the_review_fits_a_sheet_of_paper_with_its_charts_and_without_its_buttons(page: Page, street: Street) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size(A4_INNER)  # type: ignore[arg-type]
    page.goto(address(street, f"/report/{REVIEWED}/page"))
    assert page.evaluate("document.documentElement.scrollWidth") <= A4_INNER["width"]
    expect(page.get_by_role("button")).to_have_count(0)
    for wide in page.locator(".wide").all():
        assert wide.evaluate("all => all.scrollWidth <= all.clientWidth + 1"), wide.get_attribute("aria-label")
    expect(page.locator("#chart-months-title")).to_have_text(f"Accueils par mois, {REVIEWED}")
