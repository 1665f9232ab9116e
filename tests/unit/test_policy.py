"""The policy table names every route there is, and nothing that there is not; and it lets in whom it should."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from services.intake.app import build as build_intake
from services.referral.app import build as build_referral
from services.stats.app import build as build_stats
from shared.access.credentials import (
    HEADER_BYTES_MAX,
    HEADERS_MAX,
    NOTHING,
    Credential,
    Kind,
    Shown,
    digest_of,
    new_secret,
    new_token,
    shown_in,
)
from shared.access.matrix import PAGE, written
from shared.access.origin import check_origin
from shared.access.policy import POLICY, Own
from shared.access.principal import Role
from shared.access.routes import Routes, every_route
from shared.settings import Settings
from shared.web.problems import Problem

BUILD = {"intake": build_intake, "referral": build_referral, "stats": build_stats}
SERVED_WITHOUT_PAGES = {("GET", "/static/{service}/{place}/{name}")}
each_service = pytest.mark.parametrize("service", BUILD)


def application(service: str, folder: Path) -> FastAPI:
    return BUILD[service](Settings(data=folder, redis_url="redis://localhost"))[0]


@each_service
def test_every_route_is_named_in_the_policy(service: str, tmp_path: Path) -> None:
    unnamed = [
        (method, template)
        for template, methods, _ in every_route(application(service, tmp_path))
        for method in methods - {"HEAD"}
        if (method, template) not in POLICY[service]
    ]
    assert unnamed == [], "name them in shared/access/policy.py"


@each_service
def test_the_policy_names_no_route_that_there_is_not(service: str, tmp_path: Path) -> None:
    routes = {(m, template) for template, methods, _ in every_route(application(service, tmp_path)) for m in methods}
    assert set(POLICY[service]) - routes <= SERVED_WITHOUT_PAGES


@each_service
def test_the_rule_found_is_that_of_the_route_that_answers(service: str, tmp_path: Path) -> None:
    routes = Routes(application(service, tmp_path), POLICY[service])
    for (method, template), rule in POLICY[service].items():
        if (method, template) in SERVED_WITHOUT_PAGES:
            continue
        found = routes.find(method, template.replace("{", "").replace("}", ""))
        assert found is not None
        assert (found.template, found.rule) == (template, rule)


def test_a_route_that_the_table_does_not_name_has_no_rule(tmp_path: Path) -> None:
    app = application("stats", tmp_path)

    @app.get("/new")
    async def new() -> None:
        """Something that nobody thought of."""

    found = Routes(app, POLICY["stats"]).find("GET", "/new")
    assert found is not None
    assert found.rule is None


def test_what_there_is_not_needs_no_rule(tmp_path: Path) -> None:
    routes = Routes(application("stats", tmp_path), POLICY["stats"])
    assert routes.find("GET", "/nothing") is None
    assert routes.find("DELETE", "/stats/live") is None
    assert routes.find("GET", "//stats/live") is None


def test_operations_reach_nothing_but_what_everybody_may_know_and_the_metrics() -> None:
    for rules in POLICY.values():
        for (_, template), rule in rules.items():
            if rule.roles and Role.OPERATIONS in rule.roles:
                assert rule.roles == set(Role) or template in ("/metrics", "/audit/head", "/audit/check")
                assert not template.startswith(("/cases", "/visits", "/referrals", "/queues", "/people"))


def test_whatever_opens_the_vault_asks_who_it_is_in_every_mode() -> None:
    vault = ("/people", "/disclosures", "/eliminations", "/retention")
    for (_, template), rule in POLICY["intake"].items():
        if template.startswith(vault) or template.endswith(("/notes", "/person", "/known-person")):
            assert rule.personal, template


def test_a_partner_reaches_only_what_says_whose_it_is() -> None:
    for rules in POLICY.values():
        for (_, template), rule in rules.items():
            if rule.roles and Role.PARTNER in rule.roles and Role.OPERATIONS not in rule.roles:
                # Whose these are is looked up where they are; to every other partner there is none.
                looked_up = ("/disclosures/{referral_id}", "/invitations/{code}", "/invitations/{code}/used")
                assert rule.own in set(Own) or template in (*looked_up, "/desk/invitations"), template


def test_nobody_unknown_changes_anything_but_at_the_door() -> None:
    free = {route for rules in POLICY.values() for route, rule in rules.items() if rule.roles is None}
    changing = {path for method, path in free if method != "GET" and not path.startswith("/internal/")}
    assert changing == {"/sign-in", "/sign-out", "/session", "/session/end", "/answer/{token}"}


def head(*headers: tuple[str, str]) -> Shown:
    return shown_in([(name.encode(), value.encode()) for name, value in headers], b"maison_session")


def test_a_token_and_a_session_are_known_by_their_digest_alone() -> None:
    token, secret = new_token(), new_secret()
    by_token = head(("authorization", f"Bearer {token}")).credential
    assert by_token == Credential(Kind.TOKEN, digest_of(token))
    by_cookie = head(("cookie", f"lang=fr; maison_session={secret}")).credential
    assert by_cookie is not None
    assert (by_cookie.kind, by_cookie.digest) == (Kind.SESSION, digest_of(secret))
    assert secret not in repr(by_cookie)
    assert token not in repr(by_token)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic bWFpc29uOm1haXNvbg==",
        "Bearer mai_" + "a" * 43 + "00000000",
        "Bearer mai_" + "a" * 4_000,
        "Bearer mai_\u00e9" + "a" * 50,
        "bearer null",
        "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiY29vcmRpbmF0b3IifQ.",
    ],
)
def test_what_is_no_token_of_ours_is_bad_without_a_lookup(value: str) -> None:
    shown = head(("authorization", value))
    assert shown.is_bad
    assert shown.credential is None


def test_a_token_that_was_copied_badly_is_seen() -> None:
    token = new_token()
    for index in range(len("mai_"), len(token)):
        other = "A" if token[index] != "A" else "B"
        assert head(("authorization", f"Bearer {token[:index]}{other}{token[index + 1 :]}")).is_bad


@pytest.mark.parametrize("cookies", ["maison_session=", "maison_session=x", "other=1", "maison_session", ";;;=;"])
def test_a_cookie_that_is_no_session_is_nobody(cookies: str) -> None:
    shown = head(("cookie", cookies))
    assert (shown.credential, shown.is_bad) == (None, False)


def test_two_sessions_are_nobody() -> None:
    one, other = new_secret(), new_secret()
    assert head(("cookie", f"maison_session={one}; maison_session={other}")).credential is None
    assert head(("cookie", f"maison_session={one}"), ("cookie", f"maison_session={other}")).credential is None


def test_a_token_goes_before_a_session() -> None:
    token = new_token()
    shown = head(("cookie", f"maison_session={new_secret()}"), ("authorization", f"Bearer {token}"))
    assert shown.credential == Credential(Kind.TOKEN, digest_of(token))


@pytest.mark.parametrize("name", ["authorization", "origin", "host", "sec-fetch-site"])
def test_a_header_that_decides_comes_once(name: str) -> None:
    with pytest.raises(Problem) as refused:
        head((name, "x"), (name, "x"))
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "headers",
    [[(f"x-{n}", "1") for n in range(HEADERS_MAX + 1)], [("cookie", "a" * (HEADER_BYTES_MAX + 1))]],
)
def test_a_head_is_bounded(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem) as refused:
        head(*headers)
    assert refused.value.status == 431


def test_who_shows_nothing_costs_nothing() -> None:
    assert head(("host", "x"), ("content-type", "application/json")) is NOTHING


SESSION = ("cookie", f"maison_session={'s' * 43}")
HOST = ("host", "desk.example:8001")


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ([SESSION, HOST, ("sec-fetch-site", "same-origin")], True),
        ([SESSION, HOST, ("sec-fetch-site", "same-site")], False),
        ([SESSION, HOST, ("sec-fetch-site", "cross-site")], False),
        ([SESSION, HOST, ("origin", "http://desk.example:8001")], True),
        ([SESSION, HOST, ("origin", "http://desk.example:8002")], False),
        ([SESSION, HOST, ("origin", "http://desk.example:8001.evil.example")], False),
        ([SESSION, HOST, ("origin", "null")], False),
        ([SESSION, HOST, ("origin", "http://[desk")], False),
        ([SESSION, HOST, ("origin", "http://x@desk.example:8001")], False),
        ([SESSION, HOST], False),
        ([SESSION, ("origin", "")], False),
        ([HOST], True),
        ([HOST, ("origin", "http://evil.example")], False),
        ([HOST, ("origin", "http://desk.example:8001")], True),
        ([HOST, ("sec-fetch-site", "cross-site")], False),
        ([HOST, ("origin", "http://evil.example"), ("authorization", f"Bearer {new_token()}")], True),
    ],
)
def test_a_change_in_somebodys_name_comes_from_a_page_of_ours(headers: list[tuple[str, str]], may: bool) -> None:
    shown = head(*headers)
    if may:
        check_origin(shown)
    else:
        with pytest.raises(Problem) as refused:
            check_origin(shown)
        assert refused.value.status == 403


def test_the_page_shows_the_table_of_today() -> None:
    page = PAGE.read_text("utf-8")
    assert written(page) == page, "run python -m shared.access.matrix"
