"""Every route answers what the contract says, over real sockets."""

from typing import Any

from tests.service.street import Street, until


def test_a_visit_is_recorded_and_shows_what_became_of_it(street: Street) -> None:
    answer = street.intake.post(
        "/visits",
        json={
            "channel": "phone",
            "occurred_at": "2008-03-11T09:30:00+01:00",
            "requests": [{"category": "social_rights"}, {"category": "administrative", "answered": True}],
        },
    )
    assert answer.status_code == 201
    recorded = answer.json()
    assert answer.headers["location"] == f"/visits/{recorded['visit_id']}"
    assert answer.headers["etag"] == '"2"'
    assert [request["category"] for request in recorded["requests"]] == ["social_rights", "administrative"]

    def handed_over() -> dict[str, Any]:
        visit: dict[str, Any] = street.intake.get(answer.headers["location"]).json()
        return visit if visit["requests"][0]["referrals"] else {}

    visit = until(handed_over)
    assert visit["occurred_at"] == "2008-03-11T09:30:00.000+01:00"
    (referral,) = visit["requests"][0]["referrals"]
    assert referral["status"] == "issued"
    assert visit["requests"][1]["referrals"] == []


def test_a_visit_joins_the_case_it_names(street: Street) -> None:
    first = street.record("legal")
    second = street.record("health", case_id=first["case_id"])
    case = street.intake.get(f"/cases/{first['case_id']}")
    assert case.headers["etag"] == '"3"'
    assert [visit["visit_id"] for visit in case.json()["visits"]] == [first["visit_id"], second["visit_id"]]


def test_a_batch_answers_line_by_line(street: Street, unique: str) -> None:
    line = f'{{"idempotency_key": "{unique}", "requests": [{{"category": "legal"}}]}}\n'
    answer = street.intake.post("/visits/batch", content=line, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 200
    assert answer.json()["status"] == 201


def test_partners_say_what_they_answer(street: Street) -> None:
    partners = {partner["code"]: partner for partner in street.referral.get("/partners").json()}
    assert "social_rights" in partners["p01"]["categories"]
    assert {partner["reached"] for partner in partners.values()} <= {"permanence", "on_site", "outside"}


def test_permanences_are_dated(street: Street) -> None:
    week = {"from": "2008-03-10", "to": "2008-03-14"}
    held = street.referral.get("/permanences", params=week).json()
    assert held
    assert {opening["site"] for opening in held} == {"fontaine-d-ouche"}
    assert [opening["start"] for opening in held] == sorted(opening["start"] for opening in held)
    assert street.referral.get("/permanences").status_code == 200


def test_a_queue_is_read_page_by_page_without_loss_or_repeat(street: Street) -> None:
    for _ in range(5):
        (referral,) = street.referrals_of(street.record("elderly")["visit_id"])
    path = f"/queues/{referral['partner']}"
    pages: list[dict[str, Any]] = []
    after = "0-0"
    while after:
        page = street.referral.get(path, params={"after": after, "limit": 2}).json()
        pages.append(page)
        after = page["next"]
    items = [item for page in pages for item in page["items"]]
    assert all(len(page["items"]) == 2 for page in pages[:-1])
    positions = [item["position"] for item in items]
    assert positions == sorted(set(positions))
    assert referral["referral_id"] in {item["referral_id"] for item in items}
    whole = street.referral.get(path, params={"limit": 200, "status": "issued"}).json()["items"]
    assert whole == [item for item in items if item["status"] == "issued"]


def test_a_referral_says_whose_it_is_and_where_it_stands(street: Street) -> None:
    visit = street.record("housing")
    (referral,) = street.referrals_of(visit["visit_id"])
    answer = street.referral.get(f"/referrals/{referral['referral_id']}")
    view = answer.json()
    assert answer.headers["etag"] == '"1"'
    assert (view["queue"], view["status"]) == (referral["partner"], "issued")
    assert (view["visit_id"], view["case_id"]) == (visit["visit_id"], visit["case_id"])


def test_the_desk_sees_what_the_partner_answered(street: Street) -> None:
    visit = street.record("training")
    (referral,) = street.referrals_of(visit["visit_id"])
    path = f"/referrals/{referral['referral_id']}"
    street.referral.post(f"{path}/accept", headers={"If-Match": '"1"'})
    street.referral.post(f"{path}/complete", headers={"If-Match": '"2"'}, json={"outcome": "helped"})

    def outcome() -> str | None:
        seen: str | None = street.referrals_of(visit["visit_id"])[0]["outcome"]
        return seen

    assert until(outcome) == "helped"


def test_what_nobody_answers_is_in_the_coordinators_queue(street: Street) -> None:
    visit = street.record("administrative")
    (referral,) = street.referrals_of(visit["visit_id"])
    assert (referral["partner"], referral["status"], referral["reason"]) == ("coordinator", "unmet", "house_staff")
    queue = street.referral.get("/queues/coordinator", params={"limit": 200}).json()["items"]
    assert visit["visit_id"] in {item["visit_id"] for item in queue}


def test_every_answer_forbids_to_be_kept_or_guessed_at(street: Street) -> None:
    answers = [
        street.intake.post("/visits", json={"requests": [{"category": "legal"}]}),
        street.intake.get("/nothing"),
        street.referral.get("/partners"),
        street.stats.get("/stats/visits"),
        street.stats.get("/metrics"),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
