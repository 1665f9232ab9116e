"""Signing in, tokens, sessions: who is let in, for how long, and what shuts them out. Over HTTP, at all services."""

import contextlib
import json
import re
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from typer.testing import CliRunner, Result

from services.__main__ import app
from shared.access.door import FRESH_S
from shared.access.policy import POLICY
from shared.access.rates import Rate
from tests.servers import Valkey, running_valkey
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street, until

CHOSEN = "une phrase longue et inventée"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
VISIT = {"requests": [{"category": "administrative", "answered": True}]}
SERVICES = ("intake", "referral", "stats")
each_service = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A street that lets nobody in who does not say who it is."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("closed"), bus, access="required") as street:
        yield street


@pytest.fixture(scope="module")
def networked(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """A closed street that people reach over a network."""
    folder = tmp_path_factory.mktemp("networked")
    with running_valkey() as bus, open_street(folder, bus, access="required", https=True) as street:
        yield street


def made(street: Street, role: str = "front_desk", **scope: str) -> tuple[str, str]:
    """(login, one-time password) of a new account."""
    login = f"desk-{uuid4().hex[:12]}"
    account = street.ask_house("accounts", {"login": login, "display_name": "Agent inventé", "role": role, **scope})
    return login, account["one_time_password"]


def sign_in(street: Street, login: str, password: str, **more: str) -> httpx.Response:
    body = {"login": login, "password": password, **more}
    return street.nobody().post("/session", json=body)


@contextmanager
def signed_in(street: Street, role: str = "front_desk", **scope: str) -> Iterator[httpx.Client]:
    """A browser of somebody who has just signed in for the first time."""
    login, password = made(street, role, **scope)
    with httpx.Client(base_url=street.url("intake"), timeout=20, headers=SAME_ORIGIN) as browser:
        answer = browser.post("/session", json={"login": login, "password": password, "new_password": CHOSEN})
        assert answer.status_code == 201, answer.text
        browser.headers["X-Login"] = login
        yield browser


def raw(street: Street, service: str, request: bytes, *, hang_up: bool = True) -> bytes:
    """What is answered to bytes that no HTTP client would send. `hang_up`: it says that nothing more will come."""
    with closing(socket.create_connection(("127.0.0.1", street.ports[service]), timeout=10)) as line:
        line.sendall(request)
        if hang_up:
            line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(65_536):
            answer += part
    return answer


class TestSigningIn:
    def test_a_one_time_password_is_for_choosing_another(self, closed: Street) -> None:
        login, password = made(closed)
        problem_of(sign_in(closed, login, password), 403, "new_password")
        problem_of(sign_in(closed, login, password, new_password="court"), 422, "new_password")
        problem_of(sign_in(closed, login, password, new_password=f"{login} et plus"), 422, "new_password")
        problem_of(sign_in(closed, login, password, new_password=password), 422, "new_password")
        assert sign_in(closed, login, password, new_password=CHOSEN).status_code == 201
        problem_of(sign_in(closed, login, password), 401)
        assert sign_in(closed, login, CHOSEN).status_code == 201

    def test_the_cookie_is_read_by_no_script_and_sent_by_no_other_site(self, closed: Street) -> None:
        login, password = made(closed)
        cookie = sign_in(closed, login, password, new_password=CHOSEN).headers["set-cookie"]
        assert re.match(r"maison_session=[A-Za-z0-9_-]{43}; ", cookie)
        assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
        assert "Max-Age" not in cookie

    def test_who_is_signed_in_is_told(self, closed: Street) -> None:
        with signed_in(closed, "partner", partner="p01") as browser:
            told = browser.get("/session").json()
        assert (told["role"], told["partner"], told["site"]) == ("partner", "p01", None)
        assert told["account_id"].startswith("account-")
        assert len(told["form_token"]) == 32

    def test_a_login_that_there_is_not_is_refused_like_a_wrong_password(self, closed: Street) -> None:
        login, _ = made(closed)
        wrong = sign_in(closed, login, "another password")
        for unknown in ("nobody-here", "x\x00y", "' OR 1=1 --", "É" * 60):
            assert sign_in(closed, unknown, "another password").content == wrong.content
        problem_of(wrong, 401)

    def test_a_new_sign_in_gets_a_new_session_and_ends_the_one_before(self, closed: Street) -> None:
        with signed_in(closed) as browser:
            before = browser.cookies["maison_session"]
            again = browser.post("/session", json={"login": browser.headers["X-Login"], "password": CHOSEN})
            assert again.status_code == 201
            assert browser.cookies["maison_session"] != before
            stale = closed.nobody().get("/session", headers={"Cookie": f"maison_session={before}"})
        problem_of(stale, 401)

    def test_guessing_is_slowed_down_for_the_guesser_alone(self, closed: Street) -> None:
        login, password = made(closed)
        for _ in range(5):
            problem_of(sign_in(closed, login, "guessed wrongly"), 401)
        refused = sign_in(closed, login, password)
        problem_of(refused, 429)
        assert int(refused.headers["retry-after"]) <= 61
        other, password = made(closed)
        assert sign_in(closed, other, password, new_password=CHOSEN).status_code == 201

    @pytest.mark.parametrize(
        "body", [{}, {"login": 1, "password": "x"}, {"login": "x", "password": "y", "role": "coordinator"}]
    )
    def test_what_is_no_form_is_refused_by_name(self, closed: Street, body: dict[str, object]) -> None:
        problem_of(closed.nobody().post("/session", json=body), 422)


class TestSessions:
    def test_signing_out_ends_the_session_everywhere(self, closed: Street) -> None:
        with signed_in(closed) as browser:
            session = {"Cookie": f"maison_session={browser.cookies['maison_session']}"}
            for service in SERVICES[1:]:
                path = "/partners" if service == "referral" else "/stats/live"
                known = closed.nobody(service).get(path, headers=session)
                assert known.status_code in (200, 403)
            ended = browser.post("/session/end")
        assert ended.json() == {"signed_in": False}
        assert ended.headers["clear-site-data"] == '"cache"'
        problem_of(closed.nobody().get("/session", headers=session), 401)
        until(lambda: closed.nobody("referral").get("/partners", headers=session).status_code == 401, FRESH_S + 5)

    def test_an_account_that_is_shut_is_out_at_once_and_stays_out(self, closed: Street) -> None:
        with signed_in(closed) as browser:
            assert browser.post("/visits", json=VISIT).status_code == 201
            closed.ask_house("accounts/disable", {"login": browser.headers["X-Login"]})
            problem_of(browser.post("/visits", json=VISIT), 401)
            problem_of(browser.post("/session", json={"login": browser.headers["X-Login"], "password": CHOSEN}), 401)

    def test_a_renewed_password_signs_everybody_out(self, closed: Street) -> None:
        with signed_in(closed) as browser:
            closed.ask_house("accounts/password", {"login": browser.headers["X-Login"]})
            problem_of(browser.get("/session"), 401)

    @pytest.mark.parametrize(
        "headers",
        [
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "", "Origin": "https://elsewhere.invalid"},
            {"Sec-Fetch-Site": "", "Origin": "null"},
            {"Sec-Fetch-Site": ""},
        ],
    )
    def test_another_site_changes_nothing_in_somebodys_name(self, closed: Street, headers: dict[str, str]) -> None:
        with signed_in(closed) as browser:
            problem_of(browser.post("/visits", json=VISIT, headers=headers), 403)
            assert browser.get("/session", headers=headers).status_code == 200

    def test_a_live_stream_ends_when_its_reader_signs_out(
        self, closed: Street, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.access.streams.LOOK_AGAIN_S", 0.0)
        with signed_in(closed, "coordinator") as browser:
            session = {"Cookie": f"maison_session={browser.cookies['maison_session']}"}
            token = closed.as_role("front_desk").headers["Authorization"]
            with httpx.stream("GET", closed.url("stats") + "/stats/live/stream", headers=session, timeout=30) as live:
                lines = live.iter_lines()
                assert next(lines)
                browser.post("/session/end")

                def last_line() -> bool:
                    closed.nobody().post("/visits", json=VISIT, headers={"Authorization": token})
                    return next(lines, None) is None

                until(last_line)

    def test_a_person_opens_few_live_pages(self, closed: Street) -> None:
        with signed_in(closed, "coordinator") as browser:
            session = {"Cookie": f"maison_session={browser.cookies['maison_session']}"}
            url = closed.url("stats") + "/stats/live/stream"
            with contextlib.ExitStack() as pages:
                client = pages.enter_context(httpx.Client(headers=session))
                answers = [pages.enter_context(client.stream("GET", url)) for _ in range(4)]
                assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


class TestTokens:
    def test_a_token_is_good_at_all_three_services_and_for_its_role_alone(self, closed: Street) -> None:
        statistics = closed.token("statistics")
        shown = {"Authorization": f"Bearer {statistics}"}
        assert closed.nobody("stats").get("/stats/live", headers=shown).status_code == 200
        assert closed.nobody("referral").get("/partners", headers=shown).status_code == 200
        problem_of(closed.nobody().post("/visits", json=VISIT, headers=shown), 403)

    def test_a_revoked_token_is_refused(self, closed: Street) -> None:
        issued = closed.ask_house("tokens", {"role": "statistics", "days": 1})
        shown = {"Authorization": f"Bearer {issued['token']}"}
        stats = closed.nobody("stats")
        assert stats.get("/stats/live", headers=shown).status_code == 200
        closed.ask_house("tokens/revoke", {"token_id": issued["token_id"]})
        problem_of(closed.nobody().get("/session", headers=shown), 401)
        until(lambda: stats.get("/stats/live", headers=shown).status_code == 401, FRESH_S + 5)

    @each_service
    @pytest.mark.parametrize("path", ["/health/live", "/metrics", "/openapi.json"])
    def test_a_bad_token_is_refused_even_where_none_is_asked_for(self, street: Street, service: str, path: str) -> None:
        answer = street.nobody(service).get(path, headers={"Authorization": "Bearer mai_" + "a" * 51})
        problem_of(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer ")

    @pytest.mark.parametrize(
        "asked",
        [
            {"role": "partner"},
            {"role": "front_desk", "partner": "p01"},
            {"role": "partner", "partner": "p99"},
            {"role": "front_desk", "site": "nowhere"},
            {"role": "front_desk", "days": 91},
            {"role": "root"},
        ],
    )
    def test_a_token_without_sense_is_not_made(self, street: Street, asked: dict[str, object]) -> None:
        answer = street.nobody().post("/internal/tokens", json=asked, headers={"X-House-Key": street.key})
        problem_of(answer, 422)

    @pytest.mark.parametrize("key", ["", "wrong", "é", "x" * 5_000])
    def test_nobody_makes_a_token_without_the_key_of_the_house(self, street: Street, key: str) -> None:
        headers = {b"X-House-Key": key.encode()}
        answer = street.nobody().post("/internal/tokens", json={"role": "coordinator"}, headers=headers)
        problem_of(answer, 404)

    def test_a_token_for_one_site_records_for_no_other(self, closed: Street) -> None:
        here = closed.as_role("front_desk", site="fontaine-d-ouche")
        assert here.post("/visits", json=VISIT).status_code == 201


class TestShortTokens:
    def test_a_desks_own_token_is_good_for_being_swapped_alone(self, networked: Street) -> None:
        issued = networked.ask_house("tokens", {"role": "front_desk", "site": "fontaine-d-ouche"})
        own = {"Authorization": f"Bearer {issued['token']}"}
        for service, path in (("intake", "/session"), ("referral", "/partners"), ("stats", "/stats/live")):
            problem = problem_of(networked.nobody(service).get(path, headers=own), 403)
            assert problem["type"] == "/problems/token-to-swap"
        problem_of(networked.nobody().post("/visits", json=VISIT, headers=own), 403)
        swapped = networked.nobody().post("/session/token", headers=own)
        assert (swapped.status_code, swapped.json()["expires_in_s"]) == (201, 900)
        short = {"Authorization": f"Bearer {swapped.json()['token']}"}
        # The same machine: its role, its site, its name in events and records.
        told = networked.nobody().get("/session", headers=short).json()
        assert (told["role"], told["site"], told["account_id"]) == (
            "front_desk", "fontaine-d-ouche", issued["token_id"],
        )  # fmt: skip
        assert networked.nobody().post("/visits", json=VISIT, headers=short).status_code == 201
        assert networked.nobody("referral").get("/partners", headers=short).status_code == 200
        problem_of(networked.nobody().get("/accounts", headers=short), 403)

    def test_what_a_token_was_swapped_for_ends_with_it(self, closed: Street) -> None:
        issued = closed.ask_house("tokens", {"role": "front_desk"})
        own = {"Authorization": f"Bearer {issued['token']}"}
        short = {"Authorization": f"Bearer {closed.nobody().post('/session/token', headers=own).json()['token']}"}
        referral = closed.nobody("referral")
        assert referral.get("/partners", headers=short).status_code == 200
        closed.ask_house("tokens/revoke", {"token_id": issued["token_id"]})
        problem_of(closed.nobody().post("/session/token", headers=own), 401)
        problem_of(closed.nobody().get("/session", headers=short), 401)
        until(lambda: referral.get("/partners", headers=short).status_code == 401, FRESH_S + 5)

    def test_what_was_swapped_is_not_swapped_again_and_neither_is_a_session(self, closed: Street) -> None:
        problem_of(closed.nobody().post("/session/token", headers=closed.shown("front_desk")), 409)
        with signed_in(closed) as browser:
            problem_of(browser.post("/session/token"), 409)
        problem_of(closed.nobody().post("/session/token"), 401)

    @pytest.mark.parametrize("role", ["coordinator", "statistics", "operations"])
    def test_other_machines_may_swap_theirs_and_need_not(self, closed: Street, role: str) -> None:
        own = {"Authorization": f"Bearer {closed.token(role)}"}
        short = {"Authorization": f"Bearer {closed.nobody().post('/session/token', headers=own).json()['token']}"}
        roles = [closed.nobody().get("/session", headers=shown).json()["role"] for shown in (own, short)]
        assert roles == [role, role]

    def test_a_desk_on_the_houses_own_machine_may_show_its_own_token(self, street: Street, closed: Street) -> None:
        for house in (street, closed):
            own = {"Authorization": f"Bearer {house.token('front_desk')}"}
            assert house.nobody().post("/visits", json=VISIT, headers=own).status_code == 201


class TestOpenHouse:
    def test_a_desk_without_a_token_works_as_ever_and_one_with_a_token_is_named(self, street: Street) -> None:
        assert street.nobody().post("/visits", json=VISIT).status_code == 201
        token = street.as_role("front_desk")
        account_id = token.get("/session").json()["account_id"]
        recorded = token.post("/visits", json=VISIT).json()
        with street.bus.client() as bus:

            def actors() -> list[str | None]:
                entries = [json.loads(fields[b"__data__"]) for _, fields in bus.xrevrange("topic:intake:0", count=20)]
                return [entry.get("actor") for entry in entries if entry["subject"] == f"case-{recorded['case_id']}"]

            assert until(actors) == [account_id, account_id]

    @pytest.mark.parametrize("path", ["/people/x", "/cases/x/notes", "/accounts", "/session"])
    def test_what_is_held_on_people_asks_who_it_is_even_so(self, street: Street, path: str) -> None:
        problem_of(street.nobody().get(path), 401)

    def test_a_stale_session_is_nobody_where_nobody_has_to_be_known(self, street: Street) -> None:
        stale = {"Cookie": "maison_session=" + "s" * 43}
        assert street.nobody("referral").get("/partners", headers=stale).status_code == 200

    def test_no_other_site_has_a_browser_record_a_visit(self, street: Street) -> None:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.invalid"}):
            problem_of(street.nobody().post("/visits", content=json.dumps(VISIT), headers=headers), 403)

    def test_a_request_behind_another_on_one_line_is_not_taken_for_it(self, street: Street) -> None:
        """Pipelined: the second begins in the first one's task."""
        token = street.as_role("front_desk").headers["Authorization"]
        body = json.dumps(VISIT).encode()
        start = b"POST /visits HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        length = b"Content-Length: %d\r\n" % len(body)
        first = start + length + f"Authorization: {token}\r\n\r\n".encode() + body
        second = start + length + b"Connection: close\r\n\r\n" + body
        answers = raw(street, "intake", first + second, hang_up=False)
        cases = re.findall(rb'"case_id":"([^"]+)"', answers)
        assert len(cases) == 2
        with street.bus.client() as bus:

            def actors() -> list[bool]:
                entries = [json.loads(fields[b"__data__"]) for _, fields in bus.xrevrange("topic:intake:0", count=30)]
                by_case = {entry["subject"]: "actor" in entry for entry in entries}
                told = [by_case.get(f"case-{case.decode()}") for case in cases]
                return [] if None in told else [bool(each) for each in told]

            assert until(actors) == [True, False]


class TestPage:
    def test_a_browser_is_led_to_sign_in_and_back(self, closed: Street) -> None:
        asked = closed.nobody("referral").get("/partners?lang=fr", headers={"Accept": "text/html"})
        assert asked.status_code == 303
        address = urlsplit(asked.headers["location"])
        assert address.netloc == f"127.0.0.1:{closed.ports['intake']}"
        assert parse_qs(address.query) == {"service": ["referral"], "next": ["/partners?lang=fr"]}
        login, password = made(closed)
        with httpx.Client(base_url=closed.url("intake"), headers=SAME_ORIGIN) as browser:
            page = browser.get(f"{address.path}?{address.query}")
            assert page.status_code == 200
            assert 'value="/partners?lang=fr"' in page.text
            form = {"login": login, "password": password, "service": "referral", "next": "/partners"}
            choose = browser.post("/sign-in", data=form)
            assert choose.status_code == 403
            assert 'name="new_password"' in choose.text
            assert password not in choose.text
            done = browser.post("/sign-in", data={**form, "new_password": CHOSEN})
            assert done.status_code == 200
            assert f"http://127.0.0.1:{closed.ports['referral']}/partners" in done.text
            assert browser.get("/session").status_code == 200
            out = browser.post("/sign-out")
            assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
            problem_of(browser.get("/session"), 401)

    @pytest.mark.parametrize(
        ("service", "path"), [("intake", "/desk"), ("referral", "/coordination/page"), ("stats", "/figures")]
    )
    def test_every_page_says_who_one_is_and_lets_one_leave(self, closed: Street, service: str, path: str) -> None:
        with signed_in(closed, "coordinator") as browser:
            url = closed.url(service)
            shown = browser.get(url + path, headers={"Accept": "text/html"})
            assert shown.status_code == 200
            assert "Agent inventé, coordination" in shown.text
            assert ('href="/openings/page"' in shown.text) == (service == "intake")
            assert 'action="/sign-out"' in shown.text
            session = {"Cookie": f"maison_session={browser.cookies['maison_session']}"}
            left = browser.post(url + "/sign-out", headers={**SAME_ORIGIN, "Accept": "text/html"})
            assert left.status_code in (200, 303)
            assert 'maison_session=""' in left.headers["set-cookie"]
            assert "Agent inventé" not in left.text
        problem_of(closed.nobody().get("/session", headers=session), 401)

    def test_a_form_that_comes_after_its_session_waits_to_be_sent_again(self, closed: Street) -> None:
        form = {"reason": 'a "quoted" <word>', "key": ["1", "2"]}
        headers = {**SAME_ORIGIN, "Accept": "text/html", "Cookie": "maison_session=" + "s" * 43}
        path = f"/desks/referral/{uuid4()}/decline?lang=fr"
        answer = closed.nobody("referral").post(path, data=form, headers=headers)
        assert answer.status_code == 401
        assert f'action="{path}"' in answer.text
        assert 'name="reason" value="a &#34;quoted&#34; &lt;word&gt;"' in answer.text
        assert answer.text.count('name="key"') == 2
        assert f'href="http://127.0.0.1:{closed.ports["intake"]}/sign-in"' in answer.text

    def test_another_site_is_not_shown_its_form_again(self, closed: Street) -> None:
        headers = {"Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
        answer = closed.nobody("referral").post(f"/desks/referral/{uuid4()}/decline", data={"a": "b"}, headers=headers)
        assert answer.status_code == 403
        assert 'name="a"' not in answer.text

    def test_what_is_no_form_and_comes_after_its_session_leads_to_sign_in(self, closed: Street) -> None:
        headers = {**SAME_ORIGIN, "Accept": "text/html"}
        answer = closed.nobody().post("/desk", content=b"\xff" * 100, headers=headers)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")

    @pytest.mark.parametrize(
        "elsewhere", ["//elsewhere.invalid", "/\\elsewhere.invalid", "https://elsewhere.invalid", "javascript:alert(1)"]
    )
    def test_nobody_is_led_elsewhere(self, closed: Street, elsewhere: str) -> None:
        login, password = made(closed)
        form = {"login": login, "password": password, "new_password": CHOSEN, "next": elsewhere}
        answer = closed.nobody().post("/sign-in", data=form, headers=SAME_ORIGIN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")

    def test_a_wrong_password_is_told_in_words_and_not_repeated(self, closed: Street) -> None:
        login, _ = made(closed)
        form = {"login": login, "password": "mauvais-mot-inventé"}
        answer = closed.nobody().post("/sign-in", data=form, headers=SAME_ORIGIN)
        assert answer.status_code == 401
        assert 'role="alert"' in answer.text
        assert "mauvais-mot" not in answer.text


class TestHostile:
    """Requests whose head tries to be two things at once."""

    @pytest.mark.parametrize(
        "head",
        [
            b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
            b"Origin: http://a\r\nOrigin: http://b\r\nCookie: a=b\r\n",
            b"Host: a\r\nAuthorization: Bearer a\r\n",
        ],
    )
    @each_service
    def test_a_header_that_decides_and_comes_twice_is_refused(self, street: Street, service: str, head: bytes) -> None:
        answer = raw(
            street, service, b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + head + b"Connection: close\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"/problems/doubled-header" in answer

    @pytest.mark.parametrize(
        "head",
        [
            b"Authorization: Bearer mai_\x00\r\n",
            b"Authorization: Bearer a\nX-Principal: coordinator\r\n",
            b"Authorization : Bearer a\r\n",
            b"Authorization: Bearer\r\n a\r\n",
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            b"Content-Length: 5\r\nContent-Length: 6\r\n",
            b"Content-Length: -1\r\n",
            b"Transfer-Encoding: chunked, identity\r\n",
            b"Cookie: maison_session=\x00\r\n",
        ],
    )
    @each_service
    def test_a_head_that_two_parsers_could_read_as_two_is_not_let_in(
        self, street: Street, service: str, head: bytes
    ) -> None:
        begun = b"POST /partners HTTP/1.1\r\nHost: localhost\r\n" + head
        smuggled = begun + b"\r\n0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
        answer = raw(street, service, smuggled)
        assert re.match(rb"HTTP/1.1 40[0145] ", answer), answer[:60]
        assert b"process_resident_memory" not in answer
        assert answer.count(b"HTTP/1.1 ") == 1

    @each_service
    def test_a_head_without_end_is_bounded(self, street: Street, service: str) -> None:
        nobody = street.nobody(service)
        problem_of(nobody.get("/health/live", headers={"Cookie": "a=" + "b" * 9_000}), 431)
        problem_of(nobody.get("/health/live", headers={f"X-{n}": "1" for n in range(80)}), 431)

    @each_service
    def test_a_head_that_never_ends_is_not_gathered(self, street: Street, service: str) -> None:
        with closing(socket.create_connection(("127.0.0.1", street.ports[service]), timeout=10)) as line:
            line.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nCookie: ")
            answer = b""
            with suppress(ConnectionError):
                for _ in range(200):
                    line.sendall(b"a" * 16_384)
            with suppress(ConnectionError):
                answer = line.recv(4_096)
        # A line that is cut while we still write may lose the answer on its way.
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
        assert street.nobody(service).get("/health/live").status_code == 200

    def test_a_request_that_does_not_come_is_not_waited_for(
        self, street: Street, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shared.web.bounded.READ_S_MAX", 0.2)
        assert raw(street, "intake", b"GET /health/live HTTP/1.1\r\nHo", hang_up=False).startswith(b"HTTP/1.1 408 ")
        head = b"POST /visits HTTP/1.1\r\nHost: intake\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
        assert raw(street, "intake", head, hang_up=False) == b""

    @pytest.mark.parametrize(
        "value", ["\x7f", "é", "Bearer \x1b[31m", "Bearer " + "\u202e".encode().decode("latin-1"), "Bearer mai_%00"]
    )
    def test_a_value_that_is_no_token_is_refused_and_not_repeated(self, street: Street, value: str) -> None:
        headers = {b"Authorization": value.encode("latin-1")}
        answer = street.nobody().get("/session", headers=headers)
        assert answer.status_code in (400, 401)
        assert "\x1b" not in answer.text

    @pytest.mark.parametrize("path", ["//people/x", "/people/x?role=coordinator", "/%70eople/x", "/people/..%2fx"])
    def test_an_address_written_otherwise_is_no_way_round(self, street: Street, path: str) -> None:
        answer = raw(street, "intake", f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert re.match(rb"HTTP/1.1 40[14] ", answer)

    @pytest.mark.parametrize("host", ["", "x?", "x/", "x#", "x@y", "[::1", "x\\y"])
    def test_a_host_that_is_none_leads_nobody_elsewhere(self, closed: Street, host: str) -> None:
        request = f"GET /partners HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
        answer = raw(closed, "referral", request.encode())
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"location: " not in answer

    @each_service
    def test_a_name_that_is_not_the_houses_is_refused_and_the_setting_named(self, street: Street, service: str) -> None:
        foreign = {"Host": f"elsewhere.invalid:{street.ports[service]}"}
        for path in ("/health/live", "/session", "/metrics", "/nothing"):
            problem = problem_of(street.nobody(service).get(path, headers=foreign), 400, "Host")
            assert problem["type"] == "/problems/unknown-host"
            assert "MAISON_HOSTS" in problem["detail"]
        page = street.nobody(service).get("/sign-in", headers={**foreign, "Accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
        assert "La maison ne répond pas à cette adresse" in page.text
        # Whoever has the key of the house was led here by nobody's name.
        keyed = street.nobody(service).get("/internal/status", headers={**foreign, "X-House-Key": street.key})
        assert keyed.status_code == 200

    @pytest.mark.parametrize("header", ["X-Principal", "X-Role", "X-Forwarded-User", "Remote-User", "X-Original-URL"])
    def test_a_header_that_claims_to_be_somebody_is_nobody(self, closed: Street, header: str) -> None:
        problem_of(closed.nobody().get("/accounts", headers={header: "coordinator"}), 401)


@pytest.mark.parametrize("service", SERVICES)
def test_no_change_of_any_route_is_made_for_another_site(closed: Street, service: str) -> None:
    """Instead of a token in each form: each route that changes something, with a session and without."""
    changes = [
        (method, path) for (method, path), rule in POLICY[service].items() if method != "GET" and not rule.from_anywhere
    ]
    assert changes
    elsewhere = ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"})
    with signed_in(closed, "coordinator") as browser:
        session = f"maison_session={browser.cookies['maison_session']}"
        for method, path in changes:
            for headers in elsewhere:
                for shown in ({}, {"Cookie": session}):
                    answer = closed.nobody(service).request(method, path, data={"a": "b"}, headers={**headers, **shown})
                    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/cross-site"), path
        for headers in ({"Cookie": session}, {"Cookie": session, "Origin": "http://elsewhere.invalid"}):
            refused = closed.nobody(service).post("/sign-out", headers=headers)
            assert refused.status_code == 403
        assert browser.get("/session").status_code == 200


def test_who_runs_wild_is_slowed_down_alone(closed: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.access.gate.KNOWN", Rate(0.001, 3))
    wild = closed.shown("front_desk")
    answers = [closed.nobody().get("/session", headers=wild) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    problem_of(answers[-1], 429)
    calm = closed.shown("front_desk")
    assert closed.nobody().get("/session", headers=calm).status_code == 200


def test_a_range_of_many_ranges_costs_nothing(closed: Street) -> None:
    page = closed.nobody().get("/sign-in").text
    style = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert style
    ranges = "bytes=" + ",".join(f"{n}-{n + 1}" for n in range(1_000))
    answer = closed.nobody().get(style[1], headers={"Range": ranges[:8_000]})
    assert answer.status_code == 200
    assert "content-range" not in answer.headers


def test_every_answer_carries_what_keeps_a_browser_careful(closed: Street) -> None:
    answers = [
        closed.nobody().post("/visits", json=VISIT),
        closed.as_role("front_desk").post("/visits", json=VISIT),
        closed.nobody().get("/session"),
        closed.nobody().get("/nothing"),
        closed.nobody("referral").get("/health/live"),
        closed.nobody("stats").get("/metrics"),
        closed.nobody().get("/sign-in"),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert "default-src 'none'" in answer.headers["content-security-policy"] or (
            "default-src 'self'" in answer.headers["content-security-policy"]
        )
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


class TestInTheHouse:
    """What needs a street of its own."""

    def test_the_first_start_makes_its_own_password_and_says_where(
        self, tmp_path: Path, valkey: Valkey, caplog: pytest.LogCaptureFixture
    ) -> None:
        data = tmp_path / "data"
        with open_street(data, valkey, access="required") as street:
            file = data / "first-password"
            until(lambda: str(file) in caplog.text)
            password = file.read_text().strip()
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            problem_of(sign_in(street, "coordination", password), 403, "new_password")
            answer = sign_in(street, "coordination", password, new_password=CHOSEN)
            assert answer.json()["role"] == "coordinator"
            assert not file.exists()
            session = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
            token = street.token("coordinator")
        # What opens a door stands nowhere: not in the files, not in what was logged.
        secrets = [password, CHOSEN, session["Cookie"].partition("=")[2], token]
        assert not [secret for secret in secrets if secret in caplog.text]
        for path in data.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                assert not [secret for secret in secrets if secret.encode() in content], path
        with open_street(data, valkey, access="required") as street:
            # Sessions and tokens survive a restart; no second first password is made.
            assert street.nobody().get("/session", headers=session).json()["role"] == "coordinator"
            shown = {"Authorization": f"Bearer {token}"}
            assert street.nobody("referral").get("/partners", headers=shown).status_code == 200
            assert not file.exists()

    def test_by_https_the_cookie_is_this_hosts_alone(self, networked: Street) -> None:
        login, password = made(networked)
        answer = sign_in(networked, login, password, new_password=CHOSEN)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-maison_session=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        shown = {"Cookie": cookie.partition(";")[0]}
        assert networked.nobody().get("/session", headers=shown).status_code == 200
        plain = {"Cookie": shown["Cookie"].removeprefix("__Host-")}
        problem_of(networked.nobody().get("/session", headers=plain), 401)

    def test_while_intake_is_away_whom_we_know_goes_on_and_whom_we_do_not_is_told(
        self, tmp_path: Path, valkey: Valkey
    ) -> None:
        with open_street(tmp_path / "data", valkey, access="required") as street:
            known = {"Authorization": f"Bearer {street.token('coordinator')}"}
            unknown = {"Authorization": f"Bearer {street.token('coordinator')}"}
            referral = street.nobody("referral")
            assert referral.get("/partners", headers=known).status_code == 200
            street.servers["intake"].should_exit = True
            until(lambda: not is_listening(street.ports["intake"]))
            answer = referral.get("/partners", headers=unknown)
            problem_of(answer, 503)
            assert answer.headers["retry-after"] == "2"
            assert referral.get("/partners", headers=known).status_code == 200


def is_listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class TestCommandLine:
    """`maison token` and `maison account`, asked of a running intake."""

    @pytest.fixture
    def maison(self, closed: Street, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
        """The command line of whoever may read the data folder."""
        (tmp_path / "house.key").write_text(closed.key)
        monkeypatch.setenv("MAISON_DATA", str(tmp_path))
        monkeypatch.setenv("MAISON_INTAKE_PORT", str(closed.ports["intake"]))
        runner = CliRunner()
        return lambda *words: runner.invoke(app, words)

    def test_a_token_is_made_told_once_listed_and_ended(self, closed: Street, maison: Callable[..., Result]) -> None:
        made = maison("token", "create", "--role", "partner", "--partner", "p01", "--days", "7", "--json")
        assert made.exit_code == 0, made.output
        issued = json.loads(made.stdout)
        shown = {"Authorization": f"Bearer {issued['token']}"}
        assert closed.nobody().get("/session", headers=shown).json()["partner"] == "p01"
        listed = maison("token", "list", "--json")
        assert issued["token_id"] in {token["token_id"] for token in json.loads(listed.stdout)}
        assert issued["token"] not in listed.output
        assert maison("token", "revoke", issued["token_id"]).exit_code == 0
        problem_of(closed.nobody().get("/session", headers=shown), 401)
        assert maison("token", "revoke", issued["token_id"]).exit_code == 2

    def test_an_account_is_made_and_shut(self, closed: Street, maison: Callable[..., Result]) -> None:
        login = f"desk-{uuid4().hex[:8]}"
        password = maison("account", "create", login, "--role", "front_desk").stdout.strip()
        assert sign_in(closed, login, password, new_password=CHOSEN).status_code == 201
        renewed = maison("account", "password", login).stdout.strip()
        problem_of(sign_in(closed, login, CHOSEN), 401)
        problem_of(sign_in(closed, login, renewed), 403)
        assert maison("account", "disable", login).exit_code == 0
        problem_of(sign_in(closed, login, renewed, new_password=CHOSEN), 401)

    @pytest.mark.parametrize(
        "words",
        [
            ("token", "create", "--role", "partner"),
            ("token", "create", "--role", "statistics", "--site", "nowhere"),
            ("account", "create", "Not A Login", "--role", "front_desk"),
            ("account", "disable", "nobody-has-this"),
        ],
    )
    def test_what_makes_no_sense_is_told_in_a_line(self, maison: Callable[..., Result], words: tuple[str, ...]) -> None:
        refused = maison(*words)
        assert refused.exit_code == 2
        assert refused.stdout == ""
        assert refused.stderr.count("\n") == 1

    def test_without_the_key_of_the_house_nothing_is_made(self, maison: Callable[..., Result], tmp_path: Path) -> None:
        (tmp_path / "house.key").write_text("another key")
        assert maison("token", "create", "--role", "coordinator").exit_code == 2


class TestDiscretion:
    """What is sensitive is for the partner that has it, and for whoever took the visit."""

    @pytest.fixture
    def visit(self, closed: Street) -> dict[str, Any]:
        """A visit about violence, taken by one worker."""
        body = {"requests": [{"category": "legal", "topic": "famille--violences-conjugales"}, {"category": "housing"}]}
        desk = closed.as_role("front_desk")
        recorded: dict[str, Any] = desk.post("/visits", json=body).json()
        until(lambda: desk.get(f"/visits/{recorded['visit_id']}").json()["requests"][0]["referrals"])
        return recorded

    def test_who_took_the_visit_reads_it_whole(self, closed: Street, visit: dict[str, Any]) -> None:
        told = closed.as_role("front_desk").get(f"/visits/{visit['visit_id']}").json()
        assert [request["category"] for request in told["requests"]] == ["legal", "housing"]

    @pytest.mark.parametrize("role", ["front_desk", "coordinator"])
    def test_others_of_the_house_are_told_that_it_is_confidential(
        self, role: str, closed: Street, visit: dict[str, Any]
    ) -> None:
        other = closed.as_role(role, days=2)
        for path in (f"/visits/{visit['visit_id']}", f"/cases/{visit['case_id']}"):
            told = other.get(path)
            assert "violence" not in told.text
            assert "legal" not in told.text
            view = told.json()
            requests = view["requests"] if "requests" in view else view["visits"][0]["requests"]
            assert [request["category"] for request in requests] == ["confidential", "housing"]
            hidden = [(one["partner"], one["referral_id"]) for one in requests[0]["referrals"]]
            assert hidden == [("confidential", "confidential")]

    def test_where_it_leads_is_shown_to_who_took_the_visit_alone(self, closed: Street, visit: dict[str, Any]) -> None:
        def sent(**other: Any) -> str:
            page = closed.as_role("front_desk", **other).get("/desk", params={"done": visit["visit_id"]}).text
            return page.partition('id="done"')[2].partition("</section>")[0]

        assert ("<details>" in sent(), "<details>" in sent(days=2)) == (True, False)
        assert "Logement" in sent(days=2)
