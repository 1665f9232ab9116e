"""Bodies that nobody should send to `POST /visits`: name, bytes, the status they get, and the field at fault."""

import gzip
import json
from typing import Any, NamedTuple

GOOD: dict[str, Any] = {"requests": [{"category": "legal"}]}
NOBODY = "01900000-0000-7000-8000-000000000000"
# What a leaking answer would contain: each value below that can hold it does.
CANARY = "Zébulon-Canari"


class Bad(NamedTuple):
    """One body and what it is answered with. `field` None: no field can be named (the body as a whole)."""

    name: str
    body: bytes
    status: int
    field: str | None = None


def visit(**members: Any) -> bytes:
    """The good body with some members changed."""
    return json.dumps({**GOOD, **members}).encode()


def request(**members: Any) -> bytes:
    """The good body with its one request changed."""
    return visit(requests=[{"category": "legal", **members}])


NO_JSON = (
    Bad("nothing", b"", 400),
    Bad("a space", b" ", 400),
    Bad("a word", b"visit", 400),
    Bad("cut off", b'{"requests": [{"category": "legal"}', 400),
    Bad("a comma too many", b'{"requests": [{"category": "legal"},]}', 400),
    Bad("single quotes", b"{'requests': []}", 400),
    Bad("a comment", b'{"requests": [{"category": "legal"}]} // ' + CANARY.encode(), 400),
    Bad("two documents", b'{"requests": []} {"requests": []}', 400),
    Bad("a form", b"requests=legal", 400),
    Bad("a list", b"[]", 400),
    Bad("a string", json.dumps(CANARY).encode(), 400),
    Bad("a number", b"1", 400),
    Bad("null", b"null", 400),
    Bad("true", b"true", 400),
    Bad("NaN as the body", b"NaN", 400),
    Bad("NaN inside", b'{"requests": NaN}', 400),
    Bad("Infinity inside", b'{"requests": [{"category": Infinity}]}', 400),
    Bad("minus Infinity inside", b'{"requests": [{"category": -Infinity}]}', 400),
    Bad("Latin-1", b'{"requests": [{"category": "\xe9t\xe9"}]}', 400),
    Bad("UTF-16", json.dumps(GOOD).encode("utf-16"), 400),
    Bad("UTF-8 with a mark in front", b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), 400),
    Bad("overlong UTF-8", b'{"requests": [{"category": "\xc0\xafl"}]}', 400),
    Bad("a surrogate in bytes", b'{"requests": [{"category": "\xed\xa0\x80"}]}', 400),
    Bad("a control character in a string", b'{"requests": [{"category": "le\x00gal"}]}', 400),
    Bad("gzip", gzip.compress(json.dumps(GOOD).encode()), 400),
    Bad("a bomb of brackets", b"[" * 60_000, 400),
    Bad("a bomb of braces", b'{"a":' * 12_000, 400),
    Bad("a nested list", b'{"requests": ' + b"[" * 40 + b"]" * 40 + b"}", 400),
    Bad("a key twice", b'{"site": "a", "site": "fontaine-d-ouche", "requests": []}', 400, "site"),
    Bad("a key twice inside", b'{"requests": [{"category": "legal", "category": "health"}]}', 400, "category"),
    Bad("a key twice by an escape", b'{"requests": [], "r\\u0065quests": []}', 400, "requests"),
    Bad("a key twice, a surrogate", b'{"\\ud800": 1, "\\ud800": 2, "requests": []}', 400),
    Bad("too large", visit(site="x" * 70_000), 413),
    Bad("too large by a million keys", b"{" + b'"a":1,' * 100_000 + b'"b":1}', 413),
)

NO_VISIT = (
    Bad("no requests", b"{}", 422, "requests"),
    Bad("requests null", visit(requests=None), 422, "requests"),
    Bad("requests empty", visit(requests=[]), 422, "requests"),
    Bad("requests an object", visit(requests={"category": "legal"}), 422, "requests"),
    Bad("requests a string", visit(requests=CANARY), 422, "requests"),
    Bad("requests a number", visit(requests=1), 422, "requests"),
    Bad("21 requests", visit(requests=[{"category": "legal"}] * 21), 422, "requests"),
    Bad("a request null", visit(requests=[None]), 422, "requests.0"),
    Bad("a request a list", visit(requests=[["legal"]]), 422, "requests.0"),
    Bad("a request a string", visit(requests=[CANARY]), 422, "requests.0"),
    Bad("a request empty", visit(requests=[{}]), 422, "requests.0.category"),
    Bad("second request bad", visit(requests=[{"category": "legal"}, {"category": 7}]), 422, "requests.1.category"),
    Bad("category unknown", request(category=CANARY), 422, "requests.0.category"),
    Bad("category empty", request(category=""), 422, "requests.0.category"),
    Bad("category in capitals", request(category="LEGAL"), 422, "requests.0.category"),
    Bad("category with a space", request(category="legal "), 422, "requests.0.category"),
    Bad("category null", request(category=None), 422, "requests.0.category"),
    Bad("category a number", request(category=1), 422, "requests.0.category"),
    Bad("category a list", request(category=["legal"]), 422, "requests.0.category"),
    Bad("category a lookalike", request(category="lеgal"), 422, "requests.0.category"),  # noqa: RUF001
    Bad("category a lone surrogate", b'{"requests": [{"category": "\\ud800"}]}', 422, None),
    Bad("topic unknown", request(topic=CANARY), 422, "requests.0.topic"),
    Bad("topic of another category", request(topic="acces-aux-droits--rmi"), 422, "requests.0.topic"),
    Bad("topic a number", request(topic=3), 422, "requests.0.topic"),
    Bad("partner unknown", request(partner="p99"), 422, "requests.0.partner"),
    Bad("partner by name", request(partner=CANARY), 422, "requests.0.partner"),
    Bad("partner true", request(partner=True), 422, "requests.0.partner"),
    Bad("answered as a word", request(answered="true"), 422, "requests.0.answered"),
    Bad("answered as a number", request(answered=1), 422, "requests.0.answered"),
    Bad("answered null", request(answered=None), 422, "requests.0.answered"),
    Bad("safe to contact as a word", request(safe_to_contact="no"), 422, "requests.0.safe_to_contact"),
    Bad("a field too many in a request", request(note=CANARY), 422, "requests.0.note"),
    Bad("an id of one's own", request(request_id=NOBODY), 422, "requests.0.request_id"),
    Bad("a field too many", visit(name=CANARY), 422, "name"),
    Bad("a visit id of one's own", visit(visit_id=NOBODY), 422, "visit_id"),
    Bad("a position of one's own", visit(position=1), 422, "position"),
    Bad("a recording time of one's own", visit(recorded_at="2008-03-11T09:30:00Z"), 422, "recorded_at"),
    Bad("a proto", json.dumps({**GOOD, "__proto__": {"admin": True}}).encode(), 422, "__proto__"),
    Bad("a line's key in a visit", visit(idempotency_key="k"), 422, "idempotency_key"),
    Bad("site unknown", visit(site=CANARY), 422, "site"),
    Bad("site null", visit(site=None), 422, "site"),
    Bad("site a number", visit(site=1e999), 400),
    Bad("site a large number", b'{"site": 1e999, "requests": [{"category": "legal"}]}', 422, "site"),
    Bad("site a huge integer", b'{"site": ' + b"9" * 5_000 + b', "requests": []}', 400),
    Bad("site beyond 64 bits", visit(site=2**63), 422, "site"),
    Bad("channel unknown", visit(channel="pigeon"), 422, "channel"),
    Bad("channel null", visit(channel=None), 422, "channel"),
    Bad("channel an object", visit(channel={"a": 1}), 422, "channel"),
    Bad("time without a zone", visit(occurred_at="2008-03-11T09:30:00"), 422, "occurred_at"),
    Bad("time a day only", visit(occurred_at="2008-03-11"), 422, "occurred_at"),
    Bad("time in French", visit(occurred_at="11/03/2008 09:30"), 422, "occurred_at"),
    Bad("time a number", visit(occurred_at=1205224200), 422, "occurred_at"),
    Bad("time a number in quotes", visit(occurred_at="1205224200"), 422, "occurred_at"),
    Bad("time true", visit(occurred_at=True), 422, "occurred_at"),
    Bad("time empty", visit(occurred_at=""), 422, "occurred_at"),
    Bad("the 30th of February", visit(occurred_at="2008-02-30T09:30:00+01:00"), 422, "occurred_at"),
    Bad("hour 25", visit(occurred_at="2008-03-11T25:30:00+01:00"), 422, "occurred_at"),
    Bad("an impossible offset", visit(occurred_at="2008-03-11T09:30:00+99:00"), 422, "occurred_at"),
    Bad("before the year 2000", visit(occurred_at="1999-12-31T23:59:59Z"), 422, "occurred_at"),
    Bad("year 1", visit(occurred_at="0001-01-01T00:00:00+14:00"), 422, "occurred_at"),
    Bad("the year 9999", visit(occurred_at="9999-12-31T23:59:59-12:00"), 422, "occurred_at"),
    Bad("in the future", visit(occurred_at="2999-01-01T00:00:00Z"), 422, "occurred_at"),
    Bad("a case by number", visit(case_id=1), 422, "case_id"),
    Bad("a case that is no id", visit(case_id=CANARY), 422, "case_id"),
    Bad("a case id in capitals", visit(case_id=NOBODY.replace("0000-7", "000A-7")), 422, "case_id"),
    Bad("a case id with more behind it", visit(case_id=NOBODY + "\n"), 422, "case_id"),
    Bad("a case by path", visit(case_id="../../etc/passwd"), 422, "case_id"),
    Bad("a case that does not exist", visit(case_id=NOBODY), 404, "case_id"),
)

CORPUS = (*NO_JSON, *NO_VISIT)
