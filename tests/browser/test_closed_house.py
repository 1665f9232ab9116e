"""A house where everybody says who they are: led to sign in and back, out from every page, and nothing lost between."""

from datetime import date, timedelta
from typing import NamedTuple
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Dialog, Page

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import OpenedHouse

CHOSEN = "une phrase longue et inventée"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
HOSTILE = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>",
    "\"><script>alert(1)</script>",
    "'><img src=x onerror=alert(1)>", "</td></tr></table><script>alert(1)</script>", "<iframe src=javascript:alert(1)>",
    "javascript:alert(1)", "<a href=javascript:alert(1) autofocus onfocus=alert(1)>x</a>", "{{ 7 * 7 }}",
    "{% raw %}{{ config }}", "${alert(1)}", "<details open ontoggle=alert(1)>", "<math><mtext></form><form><mglyph>",
    "<style>@import 'http://elsewhere.invalid'</style>", "<base href=http://elsewhere.invalid>",
    "<meta http-equiv=refresh content='0;url=http://elsewhere.invalid'>", "<form action=http://elsewhere.invalid>",
    "<input autofocus onfocus=alert(1)>", "<body onload=alert(1)>", "<video><source onerror=alert(1)>",
    "<link rel=stylesheet href=http://elsewhere.invalid>", "--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;", "<scr<script>ipt>alert(1)</scr</script>ipt>", "<x onclick=alert(1)>clic",
    "<object data=javascript:alert(1)>", "<embed src=javascript:alert(1)>", "\\u003cscript\\u003ealert(1)",
    "<div hx-get=/desk hx-trigger=load>", "<div hx-on::load=alert(1)>", "<button formaction=javascript:alert(1)>",
    "<isindex action=javascript:alert(1) type=image>", "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "' OR '1'='1", "%3Cscript%3Ealert(1)%3C/script%3E",
    "<textarea><script>alert(1)</script>", "<title><script>alert(1)</script></title>",
)  # fmt: skip


class Account(NamedTuple):
    """Somebody who has chosen a password."""

    login: str
    session: dict[str, str]


def account(house: OpenedHouse, role: str, **scope: str) -> Account:
    """Somebody with this role, and a session of theirs."""
    login = f"agent-{uuid4().hex[:8]}"
    key = (house.data / "house.key").read_text()
    asked = {"login": login, "display_name": "Agent inventé", "role": role, **scope}
    made = house.intake.post("/internal/accounts", json=asked, headers={"X-House-Key": key}).json()
    form = {"login": login, "password": made["one_time_password"], "new_password": CHOSEN}
    with httpx.Client(base_url=house.urls["intake"], timeout=60) as client:
        assert client.post("/session", json=form).status_code == 201
        return Account(login, {"Cookie": f"maison_session={client.cookies['maison_session']}", **SAME_ORIGIN})


def sign_in(page: Page, login: str) -> None:
    """Fill the page to sign in, and send it."""
    page.fill("#field-login", login)
    page.fill("#field-password", CHOSEN)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("kind", ["page", "scriptless", "narrow"])
def test_who_asks_for_a_page_signs_in_and_comes_back_to_it(
    closed_house: OpenedHouse, kind: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(kind)
    worker = account(closed_house, "coordinator")
    wanted = f"{closed_house.urls['referral']}/coordination/page"
    page.goto(wanted)
    assert page.url.startswith(f"{closed_house.urls['intake']}/sign-in?")
    sign_in(page, worker.login)
    page.wait_for_url(wanted)
    # The same session at the others.
    for address in (f"{closed_house.urls['stats']}/figures", f"{closed_house.urls['intake']}/desk", wanted):
        page.goto(address)
        assert "Agent inventé, coordination" in page.inner_text("header")
        if kind != "scriptless":
            assert_accessible(page)
    page.click("text=Se déconnecter")
    page.wait_for_selector("text=Vous êtes déconnecté")
    if kind != "scriptless":
        assert_accessible(page)
    page.goto(f"{closed_house.urls['intake']}/desk")
    assert page.url.startswith(f"{closed_house.urls['intake']}/sign-in?")


@pytest.mark.parametrize("kind", ["page", "scriptless"])
def test_a_session_that_ends_while_a_form_is_filled_loses_nothing(
    closed_house: OpenedHouse, kind: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(kind)
    worker = account(closed_house, "coordinator")
    page.goto(f"{closed_house.urls['intake']}/desk/tally")
    sign_in(page, worker.login)
    page.wait_for_url("**/desk/tally")
    today = date.fromisoformat(page.get_attribute("input[name=day]", "max") or "")
    page.fill("input[name=day]", (today - timedelta(days=7 if kind == "page" else 8)).isoformat())
    page.locator("table input").first.fill("3")
    page.context.clear_cookies(name="maison_session")
    page.locator("main form button").last.click()
    page.wait_for_selector("text=Votre session est terminée")
    if kind == "page":
        assert_accessible(page)
    with page.context.expect_page() as opening:
        page.click("text=Se connecter")
    beside = opening.value
    sign_in(beside, worker.login)
    beside.wait_for_selector("text=Vous êtes connecté")
    beside.close()
    page.click("main form button")
    page.wait_for_selector("text=3 accueils enregistrés")


def test_what_people_write_is_shown_and_never_run(closed_house: OpenedHouse, page: Page) -> None:
    """A corpus of hostile texts, as names, notes and reasons, on the pages that show them."""
    with httpx.Client(base_url=closed_house.urls["intake"], timeout=60) as client:
        coordinator = account(closed_house, "coordinator").session
        officer = account(closed_house, "data_protection")
        visit = {"requests": [{"category": "administrative", "answered": True}]}
        case_id = client.post("/visits", json=visit, headers=coordinator).json()["case_id"]
        name = {"given_name": HOSTILE[0], "family_name": HOSTILE[1]}
        person = client.post(f"/cases/{case_id}/person", json=name, headers=coordinator).json()["person_id"]
        client.post(f"/cases/{case_id}/seal", json={"ground": "other"}, headers=coordinator)
        for text in HOSTILE:
            noted = client.post(f"/cases/{case_id}/notes", json={"text": text}, headers=coordinator)
            opened = client.post(f"/cases/{case_id}/opening", json={"reason": f"{text} inventée"}, headers=coordinator)
            assert (noted.status_code, opened.status_code) == (201, 201), text
    dialogs: list[str] = []

    def hear(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", hear)
    wanted: list[str] = []
    page.on("request", lambda request: wanted.append(request.url))
    page.goto(f"{closed_house.urls['intake']}/openings/page")
    sign_in(page, officer.login)
    page.wait_for_selector("text=Dossiers sous scellés")
    # The title is there before the rest of the page is.
    page.wait_for_load_state()
    shown = page.inner_text("main")
    assert not [text for text in HOSTILE if " ".join(text.split()) not in " ".join(shown.split())]
    assert_accessible(page)
    page.locator("main form button").first.click()
    page.wait_for_selector("text=cette ouverture est vue")
    page.goto(f"{closed_house.urls['intake']}/people/{person}/export/page")
    shown = page.inner_text("main")
    assert not [text for text in HOSTILE if " ".join(text.split()) not in " ".join(shown.split())]
    assert_accessible(page)
    assert dialogs == []
    assert not [address for address in wanted if "elsewhere.invalid" in address]


@pytest.mark.parametrize("kind", ["page", "scriptless", "narrow"])
def test_the_visit_of_a_sealed_case_is_corrected_after_saying_why_by_the_keyboard_alone(
    closed_house: OpenedHouse, kind: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(kind)
    taker, coordinator, worker = (account(closed_house, role) for role in ("front_desk", "coordinator", "front_desk"))
    sent = closed_house.intake.post("/visits", json={"requests": [{"category": "legal"}]}, headers=taker.session).json()
    seal = f"/cases/{sent['case_id']}/seal"
    assert closed_house.intake.post(seal, json={"ground": "court"}, headers=coordinator.session).status_code == 200
    here = f"{closed_house.urls['intake']}/desk/visits/{sent['visit_id']}"
    page.goto(here)
    sign_in(page, worker.login)
    page.get_by_role("heading", name="Ce dossier est sous scellés").wait_for()
    assert "Aide juridique" not in page.inner_text("main")
    if kind != "scriptless":
        assert_accessible(page)
    page.locator("textarea:focus").wait_for()
    page.keyboard.type("La personne corrige son accueil inventé")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(here)
    assert "Aide juridique" in page.inner_text("main")
    page.get_by_role("button", name="Annuler cet accueil").press("Enter")
    page.get_by_text("Accueil annulé").wait_for()


def test_the_partner_who_invites_families_goes_from_the_queue_to_the_codes_and_back(
    page: Page, closed_house: OpenedHouse
) -> None:
    partner = account(closed_house, "partner", partner="p08")
    queue = f"{closed_house.urls['referral']}/desks/p08"
    page.goto(queue)
    sign_in(page, partner.login)
    page.wait_for_url(queue)
    page.get_by_role("link", name="Invitations").click()
    page.wait_for_url(f"{closed_house.urls['intake']}/desk/invitations")
    assert_accessible(page)
    page.get_by_role("link", name="Vos orientations").click()
    page.wait_for_url(queue)
    other = account(closed_house, "partner", partner="p04")
    page.context.clear_cookies()
    page.goto(queue.replace("p08", "p04"))
    sign_in(page, other.login)
    page.wait_for_url("**/desks/p04")
    assert page.get_by_role("link", name="Invitations").count() == 0
