"""The review agrees with a house that counted right, and says no to each planted fault."""

from collections.abc import Callable
from copy import deepcopy
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from services.demo.comparing import Comparison, Report, compare
from services.demo.play import values_of
from services.demo.review import decimal, print_review, signed, whole
from services.demo.seed import SEED_2008, SHARES
from services.demo.year import largest_remainder

VISITS = 5_970
COUNTS = largest_remainder(6_448, {category: figure.value for category, figure in SHARES.items()})
REQUESTS = sum(COUNTS.values())
ANSWERED, UNMET = COUNTS["administrative"], 40
HANDED_OVER = REQUESTS - ANSWERED - UNMET
PARTNERS = [{"code": "p91", "name": "Partenaire [inventé]"}, {"code": "p92", "name": "Autre partenaire"}]
VERIFIED: dict[str, Any] = {
    "ok": True,
    "position": {"intake": 11_940},
    "checks": [{"name": "positions_dense", "ok": True, "detail": "1..11940 [sans trou]"}],
}


def perfect_report() -> dict[str, Any]:
    return {
        "year": 2008,
        "as_of": {"intake": 11_940, "referral": HANDED_OVER + UNMET},
        "visits": {"count": VISITS, "previous": None, "growth": None},
        "requests": {
            "count": REQUESTS,
            "by_category": [
                {"category": category, "count": count, "share": count / REQUESTS} for category, count in COUNTS.items()
            ],
            "by_status": [
                {"status": "answered", "count": ANSWERED},
                {"status": "referred", "count": HANDED_OVER},
                {"status": "unmet", "count": UNMET},
            ],
        },
        "referrals": {
            "count": HANDED_OVER,
            "by_partner": [
                {"partner": "p91", "name": "Partenaire [inventé]", "count": HANDED_OVER - 100},
                {"partner": "p92", "name": "Autre partenaire", "count": 100},
            ],
            "by_status": [
                {"status": "accepted", "count": 60},
                {"status": "issued", "count": HANDED_OVER - 60},
            ],
        },
    }


def compared(report: dict[str, Any]) -> list[Comparison]:
    return compare(Report.model_validate(report), SEED_2008, acknowledged_visits=VISITS, acknowledged_requests=COUNTS)


def disagreeing(report: dict[str, Any]) -> set[str]:
    return {found.subject for found in compared(report) if not found.agrees}


def move_requests(report: dict[str, Any], giver: str, taker: str, count: int) -> None:
    for row in report["requests"]["by_category"]:
        row["count"] += count * ((row["category"] == taker) - (row["category"] == giver))


def lose_one_visit(report: dict[str, Any]) -> None:
    report["visits"]["count"] -= 1


def count_one_visit_twice(report: dict[str, Any]) -> None:
    report["visits"]["count"] += 1


def lose_a_hundred_visits(report: dict[str, Any]) -> None:
    report["visits"]["count"] -= 100


def take_two_points_from_health(report: dict[str, Any]) -> None:
    move_requests(report, "health", "other", round(0.02 * REQUESTS))


def misfile_one_request(report: dict[str, Any]) -> None:
    move_requests(report, "health", "legal", 1)


def lose_one_request_of_a_category(report: dict[str, Any]) -> None:
    report["requests"]["by_category"][0]["count"] -= 1


def file_requests_under_an_unknown_category(report: dict[str, Any]) -> None:
    report["requests"]["by_category"][0]["category"] = "inconnue"


def lose_one_referral(report: dict[str, Any]) -> None:
    for rows in (report["referrals"]["by_partner"], report["referrals"]["by_status"]):
        rows[1]["count"] -= 1
    report["referrals"]["count"] -= 1
    report["requests"]["by_status"][1]["count"] -= 1
    report["requests"]["by_status"].append({"status": "open", "count": 1})


def refer_one_request_twice(report: dict[str, Any]) -> None:
    for rows in (report["referrals"]["by_partner"], report["referrals"]["by_status"]):
        rows[1]["count"] += 1
    report["referrals"]["count"] += 1


def lose_one_unmet_need(report: dict[str, Any]) -> None:
    report["requests"]["by_status"][2]["count"] -= 1


def lose_one_partner(report: dict[str, Any]) -> None:
    report["referrals"]["by_partner"][1]["count"] -= 1


def lose_one_status(report: dict[str, Any]) -> None:
    report["referrals"]["by_status"][0]["count"] -= 1


def test_a_perfect_year_agrees_in_every_figure() -> None:
    assert disagreeing(perfect_report()) == set()


def test_every_category_of_the_seed_is_compared() -> None:
    subjects = {found.subject for found in compared(perfect_report())}
    assert {f"share:{category}" for category in SHARES} | {"visits", "share_of_others"} <= subjects


@pytest.mark.parametrize(
    ("plant", "caught_by"),
    [
        (lose_one_visit, {"visits_acknowledged"}),
        (count_one_visit_twice, {"visits_acknowledged"}),
        (lose_a_hundred_visits, {"visits", "visits_acknowledged"}),
        (
            take_two_points_from_health,
            {"share:health", "share:other", "share_of_others", "requests_acknowledged"},
        ),
        (misfile_one_request, {"requests_acknowledged"}),
        (lose_one_request_of_a_category, {"categories_add_up", "requests_acknowledged"}),
        (
            file_requests_under_an_unknown_category,
            {"share:social_rights", "share:inconnue", "share_of_others", "requests_acknowledged"},
        ),
        (lose_one_referral, {"every_request_followed", "no_request_left_open"}),
        (refer_one_request_twice, {"every_request_followed"}),
        (lose_one_unmet_need, {"every_request_followed"}),
        (lose_one_partner, {"every_request_followed", "referral_partners_add_up"}),
        (lose_one_status, {"referral_statuses_add_up"}),
    ],
)
def test_a_planted_fault_is_caught(plant: Callable[[dict[str, Any]], None], caught_by: set[str]) -> None:
    report = perfect_report()
    plant(report)
    assert disagreeing(report) == caught_by


def test_an_empty_year_disagrees_without_failing() -> None:
    report = perfect_report()
    report["visits"]["count"] = report["requests"]["count"] = report["referrals"]["count"] = 0
    for figure, part in (("requests", "by_category"), ("requests", "by_status"), ("referrals", "by_partner")):
        report[figure][part] = []
    report["referrals"]["by_status"] = []
    assert {"visits", "visits_acknowledged", "requests_acknowledged"} <= disagreeing(report)


@pytest.mark.parametrize(("visits", "agrees"), [(5_899, False), (5_900, True), (6_050, True), (6_051, False)])
def test_close_to_six_thousand_has_an_edge(visits: int, agrees: bool) -> None:
    report = perfect_report()
    report["visits"]["count"] = visits
    assert ("visits" not in disagreeing(report)) is agrees


@pytest.mark.parametrize(("previous", "agrees"), [(5_713, True), (5_970, False), (5_500, False)])
def test_growth_is_compared_where_the_year_before_was_counted(previous: int, agrees: bool) -> None:
    report = perfect_report()
    report["visits"]["previous"] = previous
    assert ("growth" not in disagreeing(report)) is agrees


def printed(
    report: dict[str, Any], verification: dict[str, Any] = VERIFIED, terminal: bool = False
) -> tuple[bool, str]:
    page = StringIO()
    console = Console(file=page, width=80, force_terminal=terminal, color_system="standard" if terminal else None)
    agrees = print_review(
        console,
        Report.model_validate(report),
        SEED_2008,
        PARTNERS,
        verification,
        compared(report),
        {"health": "Santé"},
    )
    return agrees, page.getvalue()


def test_the_review_names_partners_and_says_what_was_not_measured() -> None:
    agrees, page = printed(perfect_report())
    assert agrees
    for expected in ("Bilan 2008", "près de 6\u00a0000", "5\u00a0970", "Partenaire [inventé]", "Santé",
                     "non mesuré", "2005 à 2007", "[sans trou]", "Tout concorde."):  # fmt: skip
        assert expected in page


def test_the_review_is_plain_in_a_pipe_and_fits_eighty_columns() -> None:
    _, page = printed(perfect_report())
    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= 80


def test_the_review_has_colour_on_a_terminal() -> None:
    _, page = printed(perfect_report(), terminal=True)
    assert "\x1b[" in page


def test_a_disagreement_is_named_at_the_end_of_the_review() -> None:
    report = perfect_report()
    lose_one_visit(report)
    agrees, page = printed(report)
    assert not agrees
    assert "visits_acknowledged" in page.splitlines()[-1]


def test_a_failed_verification_makes_the_review_disagree() -> None:
    verification = deepcopy(VERIFIED)
    verification["ok"] = verification["checks"][0]["ok"] = False
    agrees, page = printed(perfect_report(), verification)
    assert not agrees
    assert "positions_dense" in page.splitlines()[-1]


def test_numbers_are_written_the_french_way() -> None:
    assert (whole(5_970), decimal(38.96), signed(-0.04), signed(1.25)) == (
        "5\u00a0970",
        "39,0",
        "0,0",
        "+1,2",
    )


def test_lag_is_found_wherever_a_document_names_it() -> None:
    document = {"subscribers": [{"lag_events": 3}, {"topic": "intake", "lag_events": 4}], "ready": True}
    assert values_of("lag_events", document) == [3, 4]
    assert values_of("lag_events", {"ready": True}) == []
