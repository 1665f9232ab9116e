"""The page of a case in a browser: reached from a visit, closed, reopened, sealed, by the keyboard alone."""

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import assert_accessible
from tests.browser.conftest import OpenedHouse
from tests.browser.test_closed_house import account, sign_in

VISIT = {"requests": [{"category": "housing"}, {"category": "administrative", "answered": True}]}


@pytest.mark.parametrize("kind", ["page", "scriptless", "narrow"])
def test_the_coordination_closes_reopens_and_seals_a_case(
    closed_house: OpenedHouse, kind: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(kind)
    coordinator = account(closed_house, "coordinator")
    sent = closed_house.intake.post("/visits", json=VISIT, headers=coordinator.session).json()
    page.goto(f"{closed_house.urls['intake']}/desk/visits/{sent['visit_id']}")
    sign_in(page, coordinator.login)
    page.get_by_role("link", name="Le dossier").press("Enter")
    here = f"{closed_house.urls['intake']}/cases/{sent['case_id']}/page"
    page.wait_for_url(here)
    shown(page, kind, "répondu sur place")
    page.get_by_role("button", name="Clore").press("Enter")
    shown(page, kind, "Dossier clos.")
    page.get_by_role("button", name="Rouvrir").press("Enter")
    shown(page, kind, "Dossier rouvert.")
    page.get_by_label("Numéro de l’autre dossier").fill(sent["case_id"])
    page.keyboard.press("Enter")
    shown(page, kind, "C’est le même dossier")
    page.get_by_role("button", name="Mettre sous scellés").press("Enter")
    shown(page, kind, "Le dossier est sous scellés.")
    page.goto(here)
    page.get_by_role("heading", name="Ce dossier est sous scellés").wait_for()


def test_a_desk_joins_one_visit_to_a_case_and_not_the_next(page: Page, house: OpenedHouse) -> None:
    case_id = house.intake.post("/visits", json=VISIT).json()["case_id"]
    page.goto(f"{house.urls['intake']}/cases/{case_id}/page")
    page.get_by_role("link", name="Nouvel accueil dans ce dossier").press("Enter")
    page.get_by_text("Cet accueil ira dans le dossier").wait_for()
    assert_accessible(page)
    for _ in range(2):
        page.keyboard.press("s")
        page.keyboard.press("Enter")
        page.locator("#another").wait_for()
        page.reload()
    assert len(house.intake.get(f"/cases/{case_id}").json()["visits"]) == 2


@pytest.mark.parametrize("kind", ["page", "scriptless", "narrow"])
def test_the_desk_says_who_a_case_is_about_and_finds_them_again(
    closed_house: OpenedHouse, kind: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(kind)
    worker = account(closed_house, "front_desk")
    case_id = closed_house.intake.post("/visits", json=VISIT, headers=worker.session).json()["case_id"]
    page.goto(f"{closed_house.urls['intake']}/cases/{case_id}/page")
    sign_in(page, worker.login)
    page.get_by_role("link", name="dire de qui il s’agit").press("Enter")
    shown(page, kind, "Quelqu’un de nouveau")
    name = f"Inventée-{kind}"
    for label, value in (("Prénom", "Ada"), ("Nom", name), ("Téléphone", "06 00 00 07 42")):
        page.get_by_label(label, exact=True).fill(value)
    page.keyboard.press("Enter")
    shown(page, kind, "Le dossier concerne cette personne.")
    if kind == "narrow":
        page.get_by_role("button", name="Menu").press("Enter")
    page.get_by_role("link", name="Personnes").press("Enter")
    page.wait_for_url("**/desk/people")
    page.locator("input:focus").wait_for()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    shown(page, kind, "téléphone finissant par 742")
    page.get_by_role("link", name="Voir ses dossiers").first.press("Enter")
    shown(page, kind, "Cette lecture est notée.")


def shown(page: Page, kind: str, words: str) -> None:
    page.get_by_text(words).first.wait_for()
    if kind != "scriptless":
        assert_accessible(page)
