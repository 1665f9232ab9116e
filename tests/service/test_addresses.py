"""Unknown addresses, wrong methods, tricks with paths, and requests that are hardly HTTP."""

import socket
from contextlib import closing

import pytest

from tests.service.corpus import CANARY
from tests.service.refusals import problem_of
from tests.service.street import Street

SERVICES = ("intake", "referral", "stats")
each_service = pytest.mark.parametrize("service", SERVICES)


@each_service
@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/docs",
        "/redoc",
        "/admin",
        "/.env",
        "/.git/config",
        "/health",
        "/visits/",
        "/.//visits",
        "/visits//",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%5c%5cserver",
        "/visits%2fbatch",
        "/visits%00",
        "/%ff%fe",
        "/%c0%af",
        "/%zz",
        "/internal/status",
        "/internal/dead-letters",
        "/openapi.json/",
        f"/{CANARY}",
        "/" + "x" * 5_000,
        "/*",
        "/metrics/../internal/status",
        "/queues/p01/stream/",
    ],
)
def test_an_unknown_address_is_a_problem(service: str, path: str, street: Street) -> None:
    problem_of(getattr(street, service).get(path), 404)


@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("intake", "GET", "/visits"),
        ("intake", "PUT", "/visits"),
        ("intake", "DELETE", "/visits/x"),
        ("intake", "GET", "/visits/batch/"),
        ("intake", "POST", "/cases/x"),
        ("intake", "OPTIONS", "/visits"),
        ("intake", "TRACE", "/visits"),
        ("referral", "POST", "/queues/p01"),
        ("referral", "GET", "/referrals/x/accept"),
        ("referral", "PATCH", "/partners"),
        ("stats", "POST", "/stats/visits"),
        ("stats", "DELETE", "/report/2008"),
        ("stats", "POST", "/metrics"),
        ("stats", "POST", "/asyncapi.json"),
    ],
)
def test_a_wrong_method_is_told_which_there_are(service: str, method: str, path: str, street: Street) -> None:
    answer = getattr(street, service).request(method, path)
    if answer.status_code == 404:
        # An address with a slash too many is another address.
        problem_of(answer, 404)
        return
    problem_of(answer, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize("visit_id", ["x", "%00", "%ff", "%2e%2e", "' OR 1=1 --", CANARY, "x" * 4_000, "case-1", "🙂"])
def test_a_visit_or_case_that_is_none_is_not_found(visit_id: str, street: Street) -> None:
    problem_of(street.intake.get(f"/visits/{visit_id}"), 404)
    problem_of(street.intake.get(f"/cases/{visit_id}"), 404)


@pytest.mark.parametrize(
    "at", ["", "2008-03-11", "2008-03-11T09:30:00", "yesterday", "1205224200", "2008-03-11T09:30:00 01:00"]
)
def test_a_moment_that_is_none_is_named(at: str, street: Street) -> None:
    case_id = street.record("legal")["case_id"]
    problem_of(street.intake.get(f"/cases/{case_id}", params={"at": at}), 422, "at")


def test_a_case_can_be_seen_as_it_was(street: Street) -> None:
    case_id = street.record("legal", occurred_at="2008-03-11T09:30:00+01:00")["case_id"]
    street.record("legal", occurred_at="2008-05-11T09:30:00+02:00", case_id=case_id)

    def visits(at: str) -> int:
        return len(street.intake.get(f"/cases/{case_id}", params={"at": at}).json()["visits"])

    assert visits("2008-03-11T08:30:00Z") == 1
    assert visits("2008-12-31T00:00:00Z") == 2
    problem_of(street.intake.get(f"/cases/{case_id}", params={"at": "2008-03-11T08:29:59Z"}), 404)


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("/queues/p01", {"after": "x"}, "after"),
        ("/queues/p01", {"after": "-1"}, "after"),
        ("/queues/p01", {"after": "1-1"}, "after"),
        ("/queues/p01", {"after": "٣"}, "after"),
        ("/queues/p01", {"after": "9" * 16}, "after"),
        ("/queues/p01", {"limit": "0"}, "limit"),
        ("/queues/p01", {"limit": "201"}, "limit"),
        ("/queues/p01", {"limit": "ten"}, "limit"),
        ("/queues/p01", {"limit": "NaN"}, "limit"),
        ("/queues/p01", {"limit": "1e1"}, "limit"),
        ("/queues/p01", {"status": CANARY}, "status"),
        ("/queues/p01", {"offset": "3"}, "offset"),
        ("/queues/p01/stream", {"after": "x"}, "after"),
        ("/permanences", {"from": "2008-02-30"}, "from"),
        ("/permanences", {"from": "2008-03-11", "to": "2008-03-10"}, "to"),
        ("/permanences", {"from": "2008-03-11", "to": "2009-03-10"}, "to"),
        ("/permanences", {"from": "9999-12-31"}, "from"),
        ("/permanences", {"from": "0001-01-01"}, "from"),
        ("/permanences", {"site": CANARY}, "site"),
        ("/partners", {"name": CANARY}, "name"),
    ],
)
def test_a_wrong_parameter_of_referral_is_named(
    path: str, parameters: dict[str, str], field: str, street: Street
) -> None:
    problem_of(street.referral.get(path, params=parameters), 422, field)


@pytest.mark.parametrize("last_id", ["x", "1-1", "-1", "9" * 16, "1-0, 2-0"])
def test_a_last_event_id_that_is_none_is_named(last_id: str, street: Street) -> None:
    answer = street.referral.get("/queues/p01/stream", headers={"Last-Event-ID": last_id})
    problem_of(answer, 422, "Last-Event-ID")


@pytest.mark.parametrize("code", ["p99", "P01", "coordinator2", "p01%20", CANARY, "queue:p01", "%2a"])
def test_a_queue_that_is_none_is_not_found(code: str, street: Street) -> None:
    problem_of(street.referral.get(f"/queues/{code}"), 404)
    problem_of(street.referral.get(f"/queues/{code}/stream"), 404)


RAW = (
    b"\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nBad Name: y\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
    b"GET /visits/%zz%f HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://elsewhere/visits HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /health/live HTTP/1.1\r\nHost: x?\r\n\r\n",
    b"POST /visits HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n{}",
    b"POST /visits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    b"POST /visits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /visits HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    b"POST /visits HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    b'POST /visits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"requests":',
    b"POST /visits/batch HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n{",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
)


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_what_is_hardly_http_stores_nothing_and_harms_nobody(raw: bytes, street: Street) -> None:
    before = street.recorded()
    with closing(socket.create_connection(("127.0.0.1", street.ports["intake"]), timeout=5)) as connection:
        try:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65_536)
        except OSError:
            pass  # It hung up on us: so it should.
    assert street.recorded() == before + 2
    assert street.intake.get("/health/live").status_code == 200
