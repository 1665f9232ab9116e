"""A visit that is sent again is not recorded again: the same key and body get the same answer, to the byte."""

import asyncio
import json
from collections import Counter

import httpx

from tests.service.refusals import problem_of
from tests.service.street import Street

BODY = {"channel": "phone", "requests": [{"category": "legal"}, {"category": "administrative", "answered": True}]}


def test_the_same_key_and_body_get_the_same_bytes(street: Street, unique: str) -> None:
    first = street.intake.post("/visits", json=BODY, headers={"Idempotency-Key": unique})
    for key in (unique, f'"{unique}"'):
        again = street.intake.post("/visits", json=BODY, headers={"Idempotency-Key": key})
        assert again.status_code == 201
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
        for name in ("location", "etag"):
            assert again.headers[name] == first.headers[name]
    assert "idempotency-replayed" not in first.headers


def test_the_body_is_what_it_says_not_how_it_is_written(street: Street, unique: str) -> None:
    first = street.intake.post("/visits", json=BODY, headers={"Idempotency-Key": unique})
    rewritten = json.dumps(dict(reversed(BODY.items())), indent=4).encode()
    again = street.intake.post("/visits", content=rewritten, headers={"Idempotency-Key": unique})
    assert again.content == first.content


def test_another_body_under_the_same_key_is_refused(street: Street, unique: str) -> None:
    street.intake.post("/visits", json=BODY, headers={"Idempotency-Key": unique})
    before = street.recorded()
    for other in ({**BODY, "channel": "mail"}, {"requests": [{"category": "legal"}]}):
        answer = street.intake.post("/visits", json=other, headers={"Idempotency-Key": unique})
        problem_of(answer, 422, "Idempotency-Key")
    assert street.recorded() == before + 2


def test_a_refused_visit_leaves_its_key_free(street: Street, unique: str) -> None:
    refused = street.intake.post("/visits", json={**BODY, "channel": "pigeon"}, headers={"Idempotency-Key": unique})
    problem_of(refused, 422, "channel")
    assert street.intake.post("/visits", json=BODY, headers={"Idempotency-Key": unique}).status_code == 201


def test_a_key_is_one_key_alone_and_in_a_batch(street: Street, unique: str) -> None:
    line = json.dumps({**BODY, "idempotency_key": unique}).encode()
    headers = {"Content-Type": "application/x-ndjson"}
    in_batch = street.intake.post("/visits/batch", content=line, headers=headers).json()
    alone = street.intake.post("/visits", json=BODY, headers={"Idempotency-Key": unique})
    assert alone.headers["idempotency-replayed"] == "true"
    assert {"status": 201, **alone.json()} == in_batch
    again = street.intake.post("/visits/batch", content=line, headers=headers).json()
    assert again == {**in_batch, "replayed": True}


def test_a_follow_up_visit_is_recorded_once_as_well(street: Street, unique: str) -> None:
    case_id = street.record("legal")["case_id"]
    body = {**BODY, "case_id": case_id}
    answers = [street.intake.post("/visits", json=body, headers={"Idempotency-Key": unique}) for _ in range(3)]
    assert len({answer.content for answer in answers}) == 1
    assert len(street.intake.get(f"/cases/{case_id}").json()["visits"]) == 2


async def test_fifty_twins_at_once_are_one_visit(street: Street, unique: str) -> None:
    case_id = street.record("legal")["case_id"]
    body = {**BODY, "case_id": case_id}
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=street.url("intake"), timeout=20, limits=limits) as client:
        answers = await asyncio.gather(
            *(client.post("/visits", json=body, headers={"Idempotency-Key": unique}) for _ in range(50))
        )
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201] >= 1
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    for answer in answers:
        if answer.status_code == 409:
            problem_of(answer, 409)
            assert answer.headers["retry-after"] == "1"
    assert len(street.intake.get(f"/cases/{case_id}").json()["visits"]) == 2


async def test_fifty_twins_that_open_a_case_open_one(street: Street, unique: str) -> None:
    before = street.recorded()
    async with httpx.AsyncClient(base_url=street.url("intake"), timeout=20) as client:
        answers = await asyncio.gather(
            *(client.post("/visits", json=BODY, headers={"Idempotency-Key": unique}) for _ in range(50))
        )
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert street.recorded() == before + 4
