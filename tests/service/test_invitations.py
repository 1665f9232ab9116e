"""A visit with children to look after, the invitation that goes with it, the family that comes, and the figures."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.intake.invitations.codes import PATTERN, spoken
from tests.service.street import Street, until
from tests.service.test_desk_page import recorded, send

DAY = "2003-05-21"


def invite(street: Street, **more: Any) -> dict[str, Any]:
    visit = street.record("early_childhood", children=True, **more)
    assert re.fullmatch(PATTERN, visit["invitation"])
    return visit


def use(client: httpx.Client, code: str, version: int = 1, key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/invitations/{code}/used", headers={"If-Match": f'"{version}"', **headers})


def test_children_to_look_after_get_an_invitation_and_nobody_else_does(street: Street) -> None:
    visit = invite(street)
    shown = street.intake.get(f"/visits/{visit['visit_id']}").json()
    assert (shown["children"], shown["invitation"]) == (True, visit["invitation"])
    found = street.intake.get(f"/invitations/{visit['invitation']}")
    assert found.headers["etag"] == '"1"'
    assert found.json() | {"given_on": ""} == {
        "invitation": visit["invitation"], "site": "fontaine-d-ouche", "partner": "p08", "status": "given",
        "given_on": "", "used_on": None, "version": 1,
    }  # fmt: skip
    assert "invitation" not in street.record("legal")


def test_a_visit_of_a_known_case_and_a_line_of_a_batch_invite_too(street: Street, unique: str) -> None:
    first = invite(street)
    second = invite(street, case_id=first["case_id"])
    assert second["invitation"] != first["invitation"]
    assert second["version"] == 3
    line = f'{{"idempotency_key": "{unique}", "requests": [{{"category": "legal"}}], "children": true}}\n'
    batch = street.intake.post("/visits/batch", content=line * 2, headers={"Content-Type": "application/x-ndjson"})
    codes = re.findall(r'"invitation":"(\w+)"', batch.text)
    assert len(codes) == 2
    assert len(set(codes)) == 1
    assert street.intake.get(f"/invitations/{codes[0]}").status_code == 200


def test_sent_again_a_visit_gives_the_same_invitation(street: Street, unique: str) -> None:
    body = {"requests": [{"category": "legal"}], "children": True}
    first, again = (
        street.intake.post("/visits", json=body, headers={"Idempotency-Key": unique}).json() for _ in range(2)
    )
    assert first == again


def test_a_family_comes_once(street: Street, unique: str) -> None:
    code = invite(street)["invitation"]
    for _ in range(2):
        used = use(street.intake, code, key=unique)
        assert (used.status_code, used.json()["status"], used.headers["etag"]) == (200, "used", '"2"')
    assert use(street.intake, code).status_code == 412
    assert use(street.intake, code, version=2).json()["type"] == "/problems/wrong-state"
    assert street.intake.post(f"/invitations/{code}/used").status_code == 428
    assert use(street.intake, "000000000").status_code == 404
    assert use(street.intake, "not-a-code").status_code == 422


def test_an_invitation_is_for_the_partner_that_it_names(street: Street) -> None:
    code = invite(street)["invitation"]
    other = street.as_role("partner", partner="p01")
    assert other.get(f"/invitations/{code}").json() == other.get("/invitations/000000000").json()
    assert use(other, code).status_code == 404
    assert use(street.as_role("partner", partner="p08"), code).status_code == 200


def test_the_slip_carries_the_code_and_the_page_takes_it_as_it_is_typed(street: Street, unique: str) -> None:
    answer = send(street, key=unique, category="early_childhood", children="true", language="ar", needs=["interpreter"])
    visit = recorded(street, answer)
    assert (visit["language"], visit["needs"], visit["children"]) == ("ar", ["interpreter"], True)
    printed = spoken(visit["invitation"])
    done = street.intake.get(answer.headers["location"]).text
    assert printed in done
    assert "slip?visitor=ar" in done
    assert printed in street.intake.get(f"/visits/{visit['visit_id']}/slip").text
    typed = {"code": printed.lower(), "key": unique}
    assert "C’est noté" in send(street, "/desk/invitations", **typed).text
    assert "C’est noté" in send(street, "/desk/invitations", **typed).text
    assert "déjà servi" in send(street, "/desk/invitations", code=printed, key=str(uuid4())).text
    assert "n’existe pas" in send(street, "/desk/invitations", code="000-000-000", key=str(uuid4())).text


@pytest.mark.parametrize(
    ("field", "value"),
    [("language", "xx"), ("language", "fra"), ("needs", ["signer"]), ("needs", ["reader", "reader"]), ("children", 2)],
)
def test_what_is_said_of_a_visit_is_a_code(street: Street, field: str, value: object) -> None:
    refused = street.intake.post("/visits", json={"requests": [{"category": "legal"}], field: value})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].startswith(field)


def test_languages_needs_invitations_and_waiting_are_figures(street: Street) -> None:
    at = {"occurred_at": f"{DAY}T10:00:00+02:00"}
    said = {"language": "tr", "needs": ["reader", "interpreter"]}
    code = invite(street, **said, **at)["invitation"]
    arrival = street.intake.post("/arrivals").json()
    today = arrival["arrived_at"][:10]
    before = counted(street, "arrivals", today, by="result")
    moved = street.intake.post(f"/arrivals/{arrival['arrival_id']}/left", headers={"If-Match": '"1"'})
    assert moved.status_code == 200
    assert use(street.intake, code).status_code == 200
    until(lambda: counted(street, "invitations", DAY, by="status") == {"used": 1})
    assert counted(street, "visits", DAY, by="language") == {"tr": 1}
    assert counted(street, "visits", DAY, by="need") == {"interpreter": 1, "reader": 1}
    assert counted(street, "invitations", DAY) == {"": 1}
    until(lambda: counted(street, "arrivals", today, by="result").get("left", 0) == before.get("left", 0) + 1)
    waiting = street.stats.get("/stats/waiting", params={"by": "result"}).json()
    assert (waiting["unit"], waiting["date_basis"]) == ("minutes", "the local day on which the visitor arrived")
    review = street.stats.get(f"/report/{DAY[:4]}").json()
    assert review["invitations"] | {"by_site": []} == {
        "count": 1, "used": 1, "share_used": 1.0, "by_status": [{"status": "used", "count": 1}], "by_site": [],
    }  # fmt: skip
    assert review["visits"]["by_language"] == [{"language": "tr", "count": 1}]
    page = street.stats.get(f"/report/{DAY[:4]}/page").text
    assert "100\u202f% des invitations remises" in page
    assert "Turc" in page or "turc" in page


def counted(street: Street, figure: str, day: str, by: str | None = None) -> dict[str, int]:
    parameters = {"from": day, "to": day, **({"by": by} if by else {})}
    rows = street.stats.get(f"/stats/{figure}", params=parameters).json()["rows"]
    return {row[by] if by else "": row["count"] for row in rows}
