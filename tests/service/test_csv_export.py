"""A partner's referrals as a file: complete over many chunks, in either dialect, and about nobody."""

import csv
from io import StringIO

import pytest

from services.referral.pages import csv_export
from services.referral.pages.csv_export import HEADERS
from tests.service.refusals import problem_of
from tests.service.street import Street


def test_all_referrals_of_a_partner_are_in_the_file(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_export, "CHUNK_ROWS", 2)
    issued = [street.referrals_of(street.record("health")["visit_id"])[0] for _ in range(5)]
    partner = issued[0]["partner"]
    answer = street.referral.get(f"/queues/{partner}.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == f'attachment; filename="orientations-{partner}.csv"'
    header, *rows = csv.reader(StringIO(answer.text, newline=""))
    assert header == list(HEADERS.values())
    written = [row[0] for row in rows]
    mine = [one["referral_id"] for one in issued if one["partner"] == partner]
    assert [name for name in written if name in mine] == mine
    assert len(set(written)) == len(written)


def test_a_french_excel_opens_it(street: Street) -> None:
    (issued,) = street.referrals_of(street.record("health")["visit_id"])
    answer = street.referral.get(f"/queues/{issued['partner']}.csv?dialect=excel-fr")
    assert answer.content.startswith(b"\xef\xbb\xbfOrientation;Cat\xc3\xa9gorie;")


def test_nothing_in_it_leads_to_a_person(street: Street) -> None:
    recorded = street.record("health")
    (issued,) = street.referrals_of(recorded["visit_id"])
    text = street.referral.get(f"/queues/{issued['partner']}.csv").text
    assert issued["referral_id"] in text
    for secret in (recorded["visit_id"], recorded["case_id"], recorded["requests"][0]["request_id"]):
        assert secret not in text


@pytest.mark.parametrize("unknown", ["p99", "coordinator", "x", "p01.csv", "%00"])
def test_only_partners_have_a_file(street: Street, unknown: str) -> None:
    problem_of(street.referral.get(f"/queues/{unknown}.csv"), 404)


def test_another_dialect_is_refused(street: Street) -> None:
    problem_of(street.referral.get("/queues/p01.csv?dialect=excel"), 422, "dialect")
