"""An invented person goes through everything that is done with people; outside the vault nobody ever heard of her."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Valkey
from tests.service.refusals import problem_of
from tests.service.street import Street, open_street, until

CANARY: dict[str, Any] = {
    "given_name": "Zoékanari",
    "family_name": "Inventéedetoutespièces",
    "birth_date": "1931-07-04",
    "phone": "0600074317",
    "email": "kanari7431@canari.invalid",
    "address": "7431 rue Kanarifictive",
    "language": "pt",
    "safe_to_contact": True,
}
NOTE = "Note Kanarisecrète sur rien du tout"
WORDS = [*(value for name, value in CANARY.items() if name not in {"language", "safe_to_contact"}), NOTE]
WRITTEN = [
    spelt
    for word in map(str, WORDS)
    # As bytes, as JSON escapes it, and in the plain letters of the index.
    for spelt in (
        word.encode(),
        word.encode("unicode-escape"),
        word.lower().replace("é", "e").replace("è", "e").encode(),
    )
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def street_here(data: Path, valkey: Valkey) -> Iterator[Street]:
    """The three services, in a folder that is looked through."""
    with open_street(data, valkey) as opened:
        opened.intake.headers["Authorization"] = f"Bearer {opened.token('coordinator')}"
        yield opened


def values(client: Any) -> Iterator[bytes]:
    """Every key and every value on the bus."""
    for key in client.scan_iter(count=1000):
        yield key
        kind = client.type(key)
        match kind:
            case b"string":
                yield bytes(client.get(key) or b"")
            case b"stream":
                yield from (each for _, fields in client.xrange(key) for pair in fields.items() for each in pair)
            case b"hash":
                yield from (each for pair in client.hgetall(key).items() for each in pair)
            case b"set":
                yield from client.smembers(key)
            case b"zset":
                yield from client.zrange(key, 0, -1)
            case b"list":
                yield from client.lrange(key, 0, -1)
            case _:
                raise AssertionError(kind)


def heard_of(street: Street, data: Path, logged: str, words: Sequence[bytes] = WRITTEN) -> list[str]:
    """Where she is heard of. The vault's own pages are looked through like all others: she is sealed there."""
    found = [f"log: {spelt!r}" for spelt in words if spelt in logged.encode()]
    for file in data.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            found += [f"{file.name}: {spelt!r}" for spelt in words if spelt in content]
    with street.bus.client() as client:
        on_bus = list(values(client))
    assert len(on_bus) > 10
    found += [f"bus: {spelt!r}" for value in on_bus for spelt in words if spelt in value]
    for service in ("intake", "referral", "stats"):
        metrics = getattr(street, service).get("/metrics").content
        found += [f"metrics: {spelt!r}" for spelt in words if spelt in metrics]
    return found


def walk_through(street: Street, unique: str) -> tuple[str, str]:
    """Everything that is done with people, by the desk that knows her; (person, case)."""
    intake, key = street.intake, {"Idempotency-Key": unique}
    visit = street.record("social_rights", "legal")
    case_id = visit["case_id"]
    path = f"/cases/{case_id}"
    refused = [
        intake.post(f"{path}/person", json={**CANARY, "phone": [CANARY["phone"]]}),
        intake.post(f"{path}/person", json={**CANARY, CANARY["family_name"]: 1}),
    ]
    for answer in refused:
        problem_of(answer, 422)
    assert not [word for word in WORDS[:1] if str(word) in refused[0].text]
    person_id: str = intake.post(f"{path}/person", json=CANARY, headers=key).json()["person_id"]
    assert intake.post(f"{path}/person", json=CANARY, headers=key).json()["person_id"] == person_id
    problem_of(intake.post(f"{path}/person", json={**CANARY, "language": "fr"}, headers=key), 422)
    problem_of(intake.post(f"{path}/person", json=CANARY), 409)
    for _ in range(2):
        assert intake.post(f"{path}/notes", json={"text": NOTE}, headers=key).status_code == 201
    found = intake.post("/people/search", json={"name": f"{CANARY['given_name']} {CANARY['family_name']}"}).json()
    assert found["matches"][0]["person_id"] == person_id
    corrected = intake.post(f"/people/{person_id}/correction", json=CANARY, headers={"If-Match": '"1"'})
    assert corrected.json()["phone"] == CANARY["phone"]
    assert intake.get(f"{path}/notes").json()["notes"][0]["text"] == NOTE
    for recorded in (visit, street.record("legal", case_id=case_id)):
        street.referrals_of(recorded["visit_id"])
    assert CANARY["email"] in intake.get(f"/people/{person_id}/export").text
    turned = intake.post("/internal/vault/rotate", headers={"X-House-Key": street.key})
    assert turned.json()["keys_wrapped_again"] == 3
    on_pages(street, person_id, case_id, unique)
    return person_id, case_id


def on_pages(street: Street, person_id: str, case_id: str, unique: str) -> None:
    """What the desk does of it in a browser, with what is refused of it, and what waits for a seal."""
    intake, notes, page = street.intake, f"/cases/{case_id}/notes/page", f"/people/{person_id}/page"
    note = {"key": f"{unique}-page", "text": NOTE}
    assert intake.post(notes, data=note).status_code == 303
    assert intake.post(notes, data={**note, "text": f"{NOTE} encore"}).status_code == 409
    assert NOTE in intake.post(notes, data={**note, "text": NOTE * 20}).text
    assert NOTE in intake.get(notes).text
    identity = {**CANARY, "safe_to_contact": "true"}
    form = {**identity, "version": "2", "was": json.dumps(CANARY)}
    assert intake.post(page, data=form).status_code == 409
    assert intake.post(page, data={**form, "phone": CANARY["email"]}).status_code == 422
    assert intake.post(page, data={**form, "version": "1", "language": "tr"}).status_code == 412
    assert intake.post(page, data={**form, "language": "tr"}).status_code == 303
    assert CANARY["email"] in intake.get(page).text


def seal_and_open(street: Street, person_id: str, case_id: str) -> None:
    """Her case is sealed, opened for a reason that tells of her, handed over, and unsealed."""
    intake, path = street.intake, f"/cases/{case_id}"
    assert intake.post(f"{path}/seal", json={"ground": "in_danger"}).status_code == 200
    problem_of(intake.get(path), 403)
    assert NOTE in intake.post(f"{path}/notes/page", data={"key": "waits", "text": NOTE}).text
    assert intake.post(f"{path}/opening", json={"reason": NOTE}).status_code == 201
    assert intake.get("/openings").json()["openings"][0]["reason"] == NOTE
    assert CANARY["email"] in intake.get(f"/people/{person_id}/export/page").text
    assert intake.post(f"{path}/unseal").status_code == 200


def places_of(street: Street, data: Path, caplog: pytest.LogCaptureFixture, case_id: str) -> set[str]:
    """Where a case is heard of, just after a visit in it: what everybody has read leaves the bus within a second."""
    street.record("legal", case_id=case_id)
    return {place.partition(":")[0] for place in heard_of(street, data, caplog.text, [case_id.encode()])}


def test_nobody_ever_heard_of_her(
    street_here: Street, data: Path, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    street = street_here
    with caplog.at_level(logging.DEBUG):
        person_id, case_id = walk_through(street, unique)
        head = street.recorded()
        until(lambda: street.stats.get("/stats/visits").json()["as_of"]["intake"] >= head)
        assert heard_of(street, data, caplog.text) == []
        # Whoever looks like this finds what is there: ids are in the log, on the bus, in the addresses.
        wanted = {"log", "bus", "vault.sqlite3-wal", "intake.sqlite3-wal"}
        until(lambda: wanted <= places_of(street, data, caplog, case_id))
        seal_and_open(street, person_id, case_id)
        assert heard_of(street, data, caplog.text) == []
        before = street.intake.get(f"/cases/{case_id}").json()
        assert street.intake.post(f"/people/{person_id}/erasure").status_code == 200
        problem_of(street.intake.get(f"/people/{person_id}"), 410)
        assert street.intake.get(f"/cases/{case_id}/notes").json() == {"notes": []}
        assert street.intake.get(f"/cases/{case_id}").json() == before
        trail = street.intake.get("/internal/vault/audit", headers={"X-House-Key": street.key}).json()
        assert trail["fault"] is None
        assert all(
            "maison_dead_letters 0.0" in client.get("/metrics").text for client in (street.referral, street.stats)
        )
        assert heard_of(street, data, caplog.text) == []
