"""What can be asked of the figures, and how a wrong question is answered."""

from typing import Any

import pytest

from tests.service.corpus import CANARY
from tests.service.refusals import problem_of
from tests.service.street import Street, until


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"by": CANARY}, "by"),
        ({"by": "partner"}, "by"),
        ({"by": "status"}, "by"),
        ({"by": ""}, "by"),
        ({"period": "decade"}, "period"),
        ({"period": "Week"}, "period"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2008-02-30"}, "from"),
        ({"from": "2008-W11"}, "from"),
        ({"from": "1205224200"}, "from"),
        ({"from": "1205193600"}, "from"),
        ({"from": "11/03/2008"}, "from"),
        ({"from": "0001-01-01"}, "from"),
        ({"to": "9999-12-31", "period": "week"}, "to"),
        ({"to": "2008-13-01"}, "to"),
        ({"to": ""}, "to"),
        ({"to": "99999-01-01"}, "to"),
        ({"from": "2008-03-11", "to": "2008-03-10"}, "to"),
        ({"from": "1899-12-31"}, "from"),
        ({"to": "3000-01-01"}, "to"),
        ({"site": CANARY}, "site"),
        ({"site": ""}, "site"),
        ({"sit": "fontaine-d-ouche"}, "sit"),
    ],
)
def test_a_wrong_parameter_is_named(parameters: dict[str, str], field: str, street: Street) -> None:
    problem_of(street.stats.get("/stats/visits", params=parameters), 422, field)


def test_a_parameter_twice_is_refused(street: Street) -> None:
    answer = street.stats.get("/stats/visits", params=[("by", "category"), ("by", "channel")])
    problem_of(answer, 422, "by")


@pytest.mark.parametrize("figure", ["persons", "Visits", "visits%20", "visits;", CANARY, "%2e%2e", "live2"])
def test_an_unknown_figure_is_named(figure: str, street: Street) -> None:
    problem_of(street.stats.get(f"/stats/{figure}"), 422, "figure")


@pytest.mark.parametrize("year", ["08", "1899", "3000", "-1", "2008.0", "MMVIII", "2008a", "9" * 30])
def test_a_year_that_is_none_is_named(year: str, street: Street) -> None:
    problem_of(street.stats.get(f"/report/{year}"), 422, "year")


def test_a_figure_states_its_unit_its_date_basis_and_where_it_stands(street: Street) -> None:
    head = street.record("legal")["position"]

    def told() -> dict[str, Any]:
        figure: dict[str, Any] = street.stats.get("/stats/visits").json()
        return figure if figure["as_of"]["intake"] >= head else {}

    figure = until(told)
    assert figure["unit"] == "visits"
    assert "local day" in figure["date_basis"]
    assert set(figure["as_of"]) == {"intake", "referral"}
    assert figure["rows"][0].keys() == {"count"}


@pytest.mark.parametrize(
    ("figure", "by"),
    [
        *(("visits", by) for by in ("category", "channel", "site")),
        *(("requests", by) for by in ("category", "channel", "status", "site")),
        *(("referrals", by) for by in ("category", "partner", "status", "site")),
    ],
)
def test_a_figure_divided_still_says_the_same_in_every_period(figure: str, by: str, street: Street) -> None:
    day = "2002-05-21"
    visit = street.record("legal", "health", occurred_at=f"{day}T10:00:00+02:00", channel="home")
    street.referrals_of(visit["visit_id"])
    head = street.intake.get(f"/visits/{visit['visit_id']}").json()["position"]

    def divided(**parameters: str) -> dict[str, int]:
        answer = street.stats.get(f"/stats/{figure}", params={"by": by, **parameters})
        return {row[by]: row["count"] for row in answer.json()["rows"]}

    def settled() -> bool:
        as_of = street.stats.get("/stats/visits").json()["as_of"]
        ends = street.referral.get("/metrics").text.partition('maison_log_head{partition="0"} ')[2].split()[0]
        return bool(as_of["intake"] >= head and as_of["referral"] >= float(ends))

    until(settled)
    of_day = divided(**{"from": day, "to": day})
    assert of_day
    assert of_day == divided(period="day", **{"from": day, "to": day})
    # Nothing else was recorded in that year: every period that holds the day says the same.
    for period in ("week", "month", "year"):
        assert divided(period=period, **{"from": "2002-01-01", "to": "2002-12-31"}) == of_day
    assert divided(**{"from": "2002-05-20", "to": "2002-05-26"}) == of_day
    rows = street.stats.get(f"/stats/{figure}", params={"period": "week", "from": day, "to": day}).json()["rows"]
    assert [row["period"] for row in rows] == ["2002-W21"]


def test_live_counters_and_the_review_are_told(street: Street) -> None:
    live = street.stats.get("/stats/live").json()
    assert set(live["figures"]) == {
        "visits", "requests", "referrals", "handovers", "minutes_to_partner", "needs",
        "arrivals", "waiting", "invitations", "actions", "attendances",
        "answers", "answer_days", "outcomes", "outcome_days", "places", "permanences_cancelled",
    }  # fmt: skip
    assert set(live["figures"]["visits"]) >= {
        "unit",
        "date_basis",
        "today",
        "this_week",
        "this_month",
        "this_year",
        "in_all",
    }
    review = street.stats.get("/report/2008").json()
    assert review["year"] == 2008
    assert {"visits", "requests", "referrals", "as_of"} <= set(review)
