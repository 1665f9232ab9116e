"""The menu of the house: who is shown what, where it leads, and where a page says that it stands."""

import pytest
from starlette.requests import Request

from shared.access.policy import POLICY
from shared.access.principal import Role
from shared.catalogue import load_catalogue
from shared.settings import HOUSES, Settings
from shared.web.pages.menu import MENU, Link, Menu
from shared.web.pages.reader import Reader

CATALOGUE = load_catalogue(next(HOUSES.glob("*.toml")))
CLOSED = Settings(access="required")


def asked(path: str, host: str = "accueil.example:8001") -> Request:
    headers = [(b"host", host.encode())]
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers})


def links(
    service: str, path: str, role: Role | None, settings: Settings = CLOSED, partner: str | None = None
) -> list[Link]:
    """What the menu of a page holds for a reader."""
    reader = Reader("", "", role, partner) if role else None
    groups = Menu(service, settings, CATALOGUE).groups(asked(path), reader)
    assert all(each for _, each in groups)
    return [link for _, each in groups for link in each]


def labels(role: Role | None, settings: Settings = CLOSED, partner: str | None = None) -> list[str]:
    return [link.label for link in links("intake", "/nowhere", role, settings, partner)]


def current(
    service: str, path: str, role: Role = Role.COORDINATOR, partner: str | None = None
) -> list[tuple[str, str]]:
    found = links(service, path, role, partner=partner)
    return [(link.label, link.current) for link in found if link.current]


def test_every_entry_is_a_page_of_the_policy_and_some_role_is_shown_it() -> None:
    shown = {label for role in Role for label in labels(role, partner="p01" if role is Role.PARTNER else None)}
    entries = [entry for group in MENU for entry in group.entries]
    for entry in entries:
        assert POLICY[entry.service]["GET", entry.path].roles
    assert {entry.label for entry in entries} - {"Invitations"} <= shown


def test_a_coordinator_goes_from_any_service_to_any_other() -> None:
    hrefs = {service: [link.href for link in links(service, "/x", Role.COORDINATOR)] for service in POLICY}
    assert {"/desk", "http://accueil.example:8002/week", "http://accueil.example:8003/figures"} <= set(hrefs["intake"])
    assert {"http://accueil.example:8001/desk", "/week", "/coordination/page"} <= set(hrefs["referral"])
    assert {"http://accueil.example:8001/desk", "http://accueil.example:8002/week", "/report"} <= set(hrefs["stats"])


def test_behind_a_proxy_every_entry_is_a_path_and_no_two_are_the_same() -> None:
    settings = Settings(access="required", https=True)
    hrefs = [link.href for link in links("stats", "/x", Role.COORDINATOR, settings)]
    assert all(href.startswith("/") for href in hrefs)
    assert len(hrefs) == len(set(hrefs))


def test_a_partner_is_shown_its_own_desk_and_invitations_only_if_it_invites() -> None:
    inviting = CATALOGUE.invites_to
    assert inviting not in (None, "p04")
    assert labels(Role.PARTNER, partner="p04") == ["Vos orientations", "Semaine"]
    assert labels(Role.PARTNER, partner=inviting) == ["Invitations", "Vos orientations", "Semaine"]
    assert "/desks/p04" in [link.href for link in links("referral", "/x", Role.PARTNER, partner="p04")]


def test_the_city_is_shown_live_reviews_only_where_the_house_decided_so() -> None:
    assert CATALOGUE.live_to_city is None
    assert labels(Role.STATISTICS) == ["Semaine", "Chiffres", "Bilan publié"]


def test_the_desk_is_shown_neither_seals_nor_coordination() -> None:
    assert {"Scellés", "Coordination"}.isdisjoint(labels(Role.FRONT_DESK))
    assert {"Scellés", "Coordination"} <= set(labels(Role.COORDINATOR))


def test_nobody_is_shown_what_asks_who_they_are() -> None:
    assert labels(None) == []
    opened = labels(None, Settings())
    assert {"Accueil", "Partenaires", "Semaine", "Coordination", "Chiffres"} <= set(opened)
    assert {"Personnes", "Scellés", "Vos orientations"}.isdisjoint(opened)


@pytest.mark.parametrize(
    ("service", "path", "label", "says"),
    [
        ("intake", "/desk", "Accueil", "page"),
        ("intake", "/desk/tally", "Journée sur papier", "page"),
        ("intake", "/desk/visits/x", "Accueil", "true"),
        ("intake", "/visits/x/slip", "Accueil", "true"),
        ("intake", "/desk/actions/x", "Actions collectives", "true"),
        ("intake", "/cases/x/page", "Personnes", "true"),
        ("referral", "/desks", "Partenaires", "page"),
        ("referral", "/desks/p07/day", "Partenaires", "true"),
        ("stats", "/report/2008/page", "Bilan de l’année", "true"),
        ("stats", "/report/2008/city/page", "Bilan publié", "true"),
        ("stats", "/figures/bi", "Chiffres", "true"),
    ],
)
def test_a_page_says_under_which_entry_it_stands(service: str, path: str, label: str, says: str) -> None:
    assert current(service, path) == [(label, says)]


def test_whoever_has_a_queue_of_their_own_finds_all_of_it_under_that() -> None:
    assert current("referral", "/desks/p07", Role.PARTNER, "p07") == [("Vos orientations", "page")]
    assert current("referral", "/desks/p07/day", Role.PARTNER, "p07") == [("Vos orientations", "true")]
    assert current("intake", "/sign-in") == []


@pytest.mark.parametrize(
    ("service", "role", "partner", "leads"),
    [
        ("intake", Role.FRONT_DESK, None, "/desk"),
        ("referral", Role.COORDINATOR, None, "/desks"),
        ("intake", Role.PARTNER, "p04", "http://accueil.example:8002/desks/p04"),
        ("intake", Role.STATISTICS, None, "http://accueil.example:8002/week"),
        ("stats", Role.STATISTICS, None, "/figures"),
        ("stats", None, None, "/figures"),
    ],
)
def test_the_name_alone_leads_to_what_one_may_open(
    service: str, role: Role | None, partner: str | None, leads: str
) -> None:
    reader = Reader("", "", role, partner) if role else None
    assert Menu(service, CLOSED, CATALOGUE).first(asked("/"), reader) == leads


def test_an_open_house_shows_whoever_is_unknown_the_way_to_sign_in() -> None:
    somebody, opened = Reader("", "", Role.FRONT_DESK, None), Settings(access="open")
    menu = Menu("stats", opened, CATALOGUE)
    assert menu.sign_in(asked("/figures"), None) == "http://accueil.example:8001/sign-in"
    assert menu.sign_in(asked("/figures"), somebody) is None
    assert Menu("intake", opened, CATALOGUE).sign_in(asked("/sign-in"), None) is None
    assert Menu("stats", CLOSED, CATALOGUE).sign_in(asked("/figures"), None) is None
