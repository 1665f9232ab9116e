"""`POST /visits/batch`: results in order, and a bad line fails alone."""

import json
from typing import Any

import httpx

from tests.service.corpus import CANARY, CORPUS
from tests.service.refusals import problem_of
from tests.service.street import Street

NDJSON = {"Content-Type": "application/x-ndjson"}


def line(key: str, **members: Any) -> bytes:
    return json.dumps({"idempotency_key": key, "requests": [{"category": "legal"}], **members}).encode()


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(each) for each in answer.content.splitlines()]


def send(street: Street, *lines: bytes) -> list[dict[str, Any]]:
    return results(street.intake.post("/visits/batch", content=b"\n".join(lines), headers=NDJSON))


def test_every_bad_line_fails_alone_and_in_its_place(street: Street, unique: str) -> None:
    one_line = [bad for bad in CORPUS if b"\n" not in bad.body and bad.body.strip() and len(bad.body) < 100_000]
    # What a visit may not have, a line must: its key.
    one_line = [bad for bad in one_line if bad.name != "a line's key in a visit"]
    before = street.recorded()
    lines: list[bytes] = []
    for number, bad in enumerate(one_line):
        body = bad.body
        if bad.status in {404, 422} and body.endswith(b"}"):
            body = b'{"idempotency_key": "' + f"{unique}-bad-{number}".encode() + b'", ' + body[1:]
        lines += [body.replace(b", }", b"}"), line(f"{unique}-{number}")]
    found = send(street, *lines)
    assert len(found) == len(lines)
    for bad, refused, recorded in zip(one_line, found[::2], found[1::2], strict=True):
        assert refused["status"] == bad.status, (bad.name, refused)
        if bad.field is not None:
            assert [error["field"] for error in refused["errors"]] == [bad.field], bad.name
        assert CANARY not in json.dumps(refused, ensure_ascii=False)
        assert recorded["status"] == 201
    # Two events a good line, and none for a bad one.
    assert street.recorded() == before + 2 * len(one_line) + 2


def test_a_line_without_a_key_is_told_so(street: Street) -> None:
    (refused,) = send(street, b'{"requests": [{"category": "legal"}]}')
    assert refused["status"] == 422
    assert [error["field"] for error in refused["errors"]] == ["idempotency_key"]


def test_a_line_with_an_unusable_key_is_told_so(street: Street) -> None:
    for key in ("", "with a space", "é", "k" * 256, "line\nbreak", "\x00"):
        (refused,) = send(street, line(key))
        assert refused["status"] == 422, key
        assert [error["field"] for error in refused["errors"]] == ["idempotency_key"]


def test_visits_of_known_cases_and_new_ones_keep_their_order(street: Street, unique: str) -> None:
    case_id = street.record("legal")["case_id"]
    found = send(
        street,
        line(f"{unique}-1"),
        line(f"{unique}-2", case_id=case_id),
        line(f"{unique}-3"),
        line(f"{unique}-4", case_id=case_id),
    )
    assert [result["status"] for result in found] == [201] * 4
    assert [result["case_id"] == case_id for result in found] == [False, True, False, True]
    assert {found[1]["version"], found[3]["version"]} == {3, 4}


def test_the_same_key_twice_in_one_batch_is_one_visit(street: Street, unique: str) -> None:
    first, again = send(street, line(unique), line(unique))
    assert again == {**first, "replayed": True}


def test_the_same_key_with_another_visit_is_refused_in_its_line(street: Street, unique: str) -> None:
    first, other = send(street, line(unique), line(unique, channel="phone"))
    assert first["status"] == 201
    assert other["status"] == 422
    assert [error["field"] for error in other["errors"]] == ["Idempotency-Key"]


def test_empty_lines_and_foreign_line_ends_do_no_harm(street: Street, unique: str) -> None:
    body = b"\n\r\n" + line(f"{unique}-1") + b"\r\n\n" + line(f"{unique}-2") + b"\n\n"
    found = results(street.intake.post("/visits/batch", content=body, headers=NDJSON))
    assert [result["status"] for result in found] == [201, 201]


def test_an_empty_batch_has_no_results(street: Street) -> None:
    assert results(street.intake.post("/visits/batch", content=b"", headers=NDJSON)) == []


def test_too_many_lines_are_refused_as_a_whole(street: Street, unique: str) -> None:
    body = b"\n".join([b"{}"] * 5_001)
    problem_of(street.intake.post("/visits/batch", content=body, headers=NDJSON), 413)


def test_too_many_bytes_are_refused_as_a_whole(street: Street) -> None:
    body = b"x" * (4 * 1024 * 1024 + 1)
    problem_of(street.intake.post("/visits/batch", content=body, headers=NDJSON), 413)


def test_a_batch_that_is_said_to_be_something_else_is_refused(street: Street, unique: str) -> None:
    for content_type in ("text/html", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"):
        headers = {"Content-Type": content_type}
        problem_of(street.intake.post("/visits/batch", content=line(unique), headers=headers), 415)
