"""The auditor bites: a sound history has no finding, and each planted fault is called by its name."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.auditing import Evidence, Finding, History, Stored, audit, read_history
from tests.auditing.figures import count
from tests.auditing.history import ANSWER, COUNT, RECORD

REQUESTS: list[dict[str, Any]] = [{"category": "legal"}, {"category": "administrative", "answered": True}]
ASKED = {"channel": "phone", "requests": REQUESTS}


def event(log: str, position: int, stream: str, version: int, kind: str, **data: Any) -> Stored:
    name = f"{log}.{kind}.v1"
    entry = json.dumps({"id": f"{log}:0:{position}", "data": data})
    return Stored(0, position, stream, version, name, "2008-03-11T09:30:00+01:00", data, entry)


def visit(position: int, version: int, number: int) -> Stored:
    requests = [{"request_id": f"r{number}-{place}", **asked} for place, asked in enumerate(REQUESTS, 1)]
    facts = {"visit_id": f"v{number}", "case_id": "c1", "channel": "phone", "requests": requests}
    return event("intake", position, "case-c1", version, "visit-recorded", **facts)


def issued(position: int, number: int) -> Stored:
    facts = {"referral_id": f"f{number}", "request_id": f"r{number}-1", "partner": "p07", "category": "legal"}
    return event("referral", position, f"referral-f{number}", 1, "issued", issued_on="2008-03-11", **facts)


def accepted(position: int, number: int) -> Stored:
    facts = {"referral_id": f"f{number}", "partner": "p07", "was": "issued"}
    return event("referral", position, f"referral-f{number}", 2, "accepted", **facts)


def moved(position: int, stream: str, version: int, kind: str, was: str, **more: Any) -> Stored:
    return event("referral", position, f"referral-{stream}", version, kind, partner="p07", was=was, **more)


def told(number: int) -> dict[str, str]:
    return {"visit_id": f"v{number}", "case_id": "c1"}


def record(history: History, number: int, answer: Any = None, outcome: Any = "ok", key: str = "") -> None:
    n = history.invoke("desk", RECORD, {"key": key or f"key-{number}", **ASKED})
    history.ends("desk", n, RECORD, outcome, answer or told(number))


INTAKE = [event("intake", 1, "case-c1", 1, "case-opened", case_id="c1"), visit(2, 2, 1), visit(3, 3, 2)]
REFERRAL = [issued(1, 1), issued(2, 2), accepted(3, 1)]


@pytest.fixture
def history() -> History:
    """Two visits of one case, one after the other, the first of them sent twice; one acceptance; one look."""
    kept = History()
    record(kept, 1)
    record(kept, 2)
    record(kept, 1)
    kept.ends("partner", kept.invoke("partner", ANSWER, {"referral_id": "f1"}), ANSWER, "ok", "accepted")
    kept.ends("reader", kept.invoke("reader", COUNT, "visits"), COUNT, "ok", 2)
    return kept


@pytest.fixture
def evidence() -> Evidence:
    """What a sound house shows after that."""
    topic = {stored.position: stored.entry for stored in INTAKE[1:]}
    queue = {stored.position: stored.entry for stored in REFERRAL}
    return Evidence(INTAKE, REFERRAL, count(INTAKE, REFERRAL), {("intake", 0): topic}, {"p07": queue})


def faults(history: History, evidence: Evidence) -> set[str]:
    return {finding.fault for finding in audit(history, evidence)}


def test_a_sound_house_has_no_finding(history: History, evidence: Evidence) -> None:
    assert audit(history, evidence) == []


def test_a_lost_visit_is_found(history: History, evidence: Evidence) -> None:
    record(history, 3)
    assert audit(history, evidence) == [Finding("lost visit", "v3")]


def test_a_doubled_visit_is_found(history: History, evidence: Evidence) -> None:
    log = [*INTAKE, visit(4, 4, 2)]
    assert faults(history, replace(evidence, intake=log, topics={}, figures=count(log, REFERRAL))) == {"doubled visit"}


def test_a_visit_recorded_again_under_a_new_id_is_found(history: History, evidence: Evidence) -> None:
    log = [*INTAKE, visit(4, 4, 3)]
    handed = [*REFERRAL, issued(4, 3)]
    shown = replace(evidence, intake=log, referral=handed, topics={}, queues={}, figures=count(log, handed))
    assert faults(history, shown) == {"unexpected visit"}


def test_a_visit_whose_answer_was_lost_may_be_there_or_not(history: History, evidence: Evidence) -> None:
    record(history, 3, "ReadTimeout", "info")
    assert audit(history, evidence) == []
    log, handed = [*INTAKE, visit(4, 4, 3)], [*REFERRAL, issued(4, 3)]
    shown = replace(evidence, intake=log, referral=handed, topics={}, queues={}, figures=count(log, handed))
    assert audit(history, shown) == []


def voided() -> tuple[list[Stored], list[Stored]]:
    """The first of the two visits never was."""
    void = event("intake", 4, "case-c1", 4, "visit-voided", was=INTAKE[1].data, was_at=INTAKE[1].time, reason="test")
    withdrawn = moved(4, "f1", 3, "withdrawn", "accepted", referral_id="f1", reason="visit_voided")
    dropped = event("referral", 5, "request-r1-1", 1, "request-dropped", request_id="r1-1", was="referred")
    return [*INTAKE, void], [*REFERRAL, withdrawn, dropped]


def corrected() -> tuple[list[Stored], list[Stored]]:
    """The first of the two visits asked for something else, and by letter."""
    now = {**INTAKE[1].data, "channel": "mail", "requests": [{"request_id": "r1-3", "category": "housing"}]}
    at = {"was_at": INTAKE[1].time, "now_at": INTAKE[1].time}
    told = event("intake", 4, "case-c1", 4, "visit-corrected", was=INTAKE[1].data, now=now, revision=1, **at)
    _, (*_, withdrawn, dropped) = voided()
    anew = {"referral_id": "f3", "request_id": "r1-3", "partner": "p07", "category": "housing"}
    return [*INTAKE, told], [*REFERRAL, withdrawn, dropped, event("referral", 6, "referral-f3", 1, "issued", **anew)]


@pytest.mark.parametrize(("change", "visits"), [(voided, 1), (corrected, 2)])
def test_a_visit_put_right_is_sound_and_counts_as_it_stands(
    change: Any, visits: int, history: History, evidence: Evidence
) -> None:
    intake, referral = change()
    figures = count(intake, referral)
    shown = replace(evidence, intake=intake, referral=referral, figures=figures, topics={}, queues={})
    assert audit(history, shown) == []
    assert (figures["visits"], figures.get("requests/category=legal")) == (visits, 1)
    assert figures["requests/status=referred"] == visits
    before = replace(shown, figures=count(INTAKE, REFERRAL))
    assert faults(history, before) == {"figure differs"}


@pytest.mark.parametrize("change", [voided, corrected])
def test_whoever_keeps_what_a_visit_never_brought_is_found(change: Any, history: History, evidence: Evidence) -> None:
    intake, referral = change()
    for missing, fault in (("withdrawn", "kept what was taken back"), ("request-dropped", "request not taken back")):
        log = [each for each in referral if missing not in each.type]
        shown = replace(evidence, intake=intake, referral=log, figures=count(intake, log), topics={}, queues={})
        assert fault in faults(history, shown)
    unasked = replace(evidence, referral=referral, figures=count(INTAKE, referral), topics={}, queues={})
    assert "request taken back unasked" in faults(history, unasked)


ROOM = [
    event("intake", 4, "waiting", 1, "visitor-arrived", arrival_id="a", ticket=1),
    event("intake", 5, "waiting", 2, "visitor-received", arrival_id="a", waited_min=12),
    event(
        "intake", 6, "waiting", 3, "arrival-undone", arrival_id="a", was="received", becomes="waiting", waited_min=12
    ),
    event("intake", 7, "waiting", 4, "visitor-left", arrival_id="a", waited_min=40),
    event("intake", 8, "invitation-C", 1, "invitation-given", invitation="C", visit_id="v1"),
    event("intake", 9, "invitation-C", 2, "invitation-withdrawn", invitation="C"),
]


def test_what_was_taken_back_counts_no_more(history: History, evidence: Evidence) -> None:
    log = [*INTAKE, *ROOM]
    figures = count(log, REFERRAL)
    assert audit(history, replace(evidence, intake=log, figures=figures, topics={})) == []
    assert {name: figures.get(name, 0) for name in ("arrivals", "arrivals/result=left", "waiting", "invitations")} == {
        "arrivals": 1, "arrivals/result=left": 1, "waiting": 40, "invitations": 0,
    }  # fmt: skip
    never = event(
        "intake", 10, "waiting", 5, "arrival-undone", arrival_id="a", was="left", becomes="void", waited_min=40
    )
    assert not {"arrivals", "waiting"} & count([*log, never], REFERRAL).keys()


@pytest.mark.parametrize(
    ("number", "data", "fault"),
    [
        (2, {"was": "left"}, "moved from where it was not"),
        (2, {"waited_min": 11}, "moved from where it was not"),
        (2, {"becomes": "void"}, "moved from where it was not"),
        (5, {"invitation": "D"}, "invitation of no visit"),
    ],
)
def test_what_was_taken_back_otherwise_than_it_stood_is_found(
    number: int, data: dict[str, Any], fault: str, history: History, evidence: Evidence
) -> None:
    told = [one._replace(data={**one.data, **data}) if place == number else one for place, one in enumerate(ROOM)]
    log = [*INTAKE, *told]
    assert faults(history, replace(evidence, intake=log, figures=count(log, REFERRAL), topics={})) == {fault}


def test_a_refused_visit_that_is_there_all_the_same_is_found(history: History, evidence: Evidence) -> None:
    record(history, 3, 422, "fail")
    log, handed = [*INTAKE, visit(4, 4, 3)], [*REFERRAL, issued(4, 3)]
    shown = replace(evidence, intake=log, referral=handed, topics={}, queues={}, figures=count(log, handed))
    assert faults(history, shown) == {"unexpected visit"}


def test_a_visit_kept_otherwise_than_asked_is_found(history: History, evidence: Evidence) -> None:
    changed = INTAKE[2]._replace(data={**INTAKE[2].data, "channel": "mail"})
    log = [*INTAKE[:2], changed]
    assert faults(history, replace(evidence, intake=log, figures=count(log, REFERRAL))) == {"visit not as asked"}


def test_a_request_handed_to_nobody_is_found(history: History, evidence: Evidence) -> None:
    handed = [REFERRAL[0], accepted(2, 1)]
    shown = replace(evidence, referral=handed, queues={}, figures=count(INTAKE, handed))
    assert audit(history, shown) == [Finding("request handed to nobody", "r2-1")]


def test_a_doubled_effect_is_found(history: History, evidence: Evidence) -> None:
    again = issued(4, 1)._replace(stream="referral-f9")
    handed = [*REFERRAL, again]
    shown = replace(evidence, referral=handed, queues={}, figures=count(INTAKE, handed))
    assert faults(history, shown) == {"request handed over twice"}


def test_a_referral_that_nobody_asked_for_is_found(history: History, evidence: Evidence) -> None:
    handed = [*REFERRAL, issued(4, 9)]
    shown = replace(evidence, referral=handed, queues={}, figures=count(INTAKE, handed))
    assert faults(history, shown) == {"handed over unasked"}


def test_a_lost_acceptance_is_found(history: History, evidence: Evidence) -> None:
    handed = REFERRAL[:2]
    shown = replace(evidence, referral=handed, queues={}, figures=count(INTAKE, handed))
    assert audit(history, shown) == [Finding("lost answer", "f1")]


def test_an_acceptance_carried_out_twice_is_found(history: History, evidence: Evidence) -> None:
    handed = [*REFERRAL, accepted(4, 1)._replace(version=3)]
    shown = replace(evidence, referral=handed, queues={}, figures=count(INTAKE, handed))
    assert faults(history, shown) == {"doubled answer", "illegal move"}


@pytest.mark.parametrize("figure", sorted(count(INTAKE, REFERRAL)))
@pytest.mark.parametrize("error", [-1, 1])
def test_any_figure_off_by_one_is_found(history: History, evidence: Evidence, figure: str, error: int) -> None:
    shown = {**evidence.figures, figure: evidence.figures[figure] + error}
    assert [finding.fault for finding in audit(history, replace(evidence, figures=shown))] == ["figure differs"]


def test_a_figure_of_nothing_that_shows_something_is_found(history: History, evidence: Evidence) -> None:
    shown = {**evidence.figures, "requests/status=open": 1}
    assert faults(history, replace(evidence, figures=shown)) == {"figure differs"}


def test_a_skipped_position_is_found(history: History, evidence: Evidence) -> None:
    log = [*INTAKE[:2], INTAKE[2]._replace(position=4)]
    assert faults(history, replace(evidence, intake=log, topics={})) == {"position skipped"}


def test_a_skipped_version_is_found(history: History, evidence: Evidence) -> None:
    log = [*INTAKE[:2], INTAKE[2]._replace(version=4)]
    assert faults(history, replace(evidence, intake=log)) == {"version skipped"}


def test_an_order_swapped_is_found(history: History, evidence: Evidence) -> None:
    log = [INTAKE[0], visit(2, 2, 2), visit(3, 3, 1)]
    assert faults(history, replace(evidence, intake=log, topics={})) == {"order swapped"}


def test_visits_that_were_made_at_the_same_time_may_stand_in_either_order(evidence: Evidence) -> None:
    history = History()
    first = history.invoke("desk-1", RECORD, {"key": "key-1", **ASKED})
    second = history.invoke("desk-2", RECORD, {"key": "key-2", **ASKED})
    history.ends("desk-2", second, RECORD, "ok", told(2))
    history.ends("desk-1", first, RECORD, "ok", told(1))
    assert audit(history, evidence) == []


def test_a_key_answered_twice_differently_is_found(history: History, evidence: Evidence) -> None:
    record(history, 2, key="key-1")
    assert "key answered twice differently" in faults(history, evidence)


def test_one_visit_under_two_keys_is_found(history: History, evidence: Evidence) -> None:
    record(history, 2, key="key-3")
    assert faults(history, evidence) == {"visit under two keys"}


def test_a_counter_that_shows_too_much_is_found(history: History, evidence: Evidence) -> None:
    history.ends("reader", history.invoke("reader", COUNT, "visits"), COUNT, "ok", 3)
    assert faults(history, evidence) == {"counter too high"}


def test_a_counter_that_goes_back_is_found(history: History, evidence: Evidence) -> None:
    history.ends("reader", history.invoke("reader", COUNT, "visits"), COUNT, "ok", 1)
    assert faults(history, evidence) == {"counter went back"}


def test_a_topic_that_differs_from_its_log_is_found(history: History, evidence: Evidence) -> None:
    topic = {2: INTAKE[1].entry, 3: INTAKE[1].entry}
    assert faults(history, replace(evidence, topics={("intake", 0): topic})) == {"topic differs from log"}


def test_a_topic_with_a_hole_is_found(history: History, evidence: Evidence) -> None:
    topic = {1: INTAKE[0].entry, 3: INTAKE[2].entry}
    assert faults(history, replace(evidence, topics={("intake", 0): topic})) == {"topic has a hole"}


def test_a_queue_that_lacks_its_newest_entry_is_found(history: History, evidence: Evidence) -> None:
    queue = {1: REFERRAL[0].entry, 2: REFERRAL[1].entry}
    assert faults(history, replace(evidence, queues={"p07": queue})) == {"topic has a hole"}


def test_a_history_that_was_kept_is_audited_alike(history: History, evidence: Evidence, tmp_path: Path) -> None:
    record(history, 3)
    history.write(tmp_path / "history.jsonl")
    assert audit(read_history(tmp_path / "history.jsonl"), evidence) == audit(history, evidence)


FOLLOWER: dict[str, Any] = {"request_id": "r1-1", "category": "legal", "replaces": "f1"}
DECLINED = moved(4, "f1", 3, "declined", "accepted", reason="no_capacity", follower="f9")
NEXT = event("referral", 5, "referral-f9", 1, "issued", partner="p08", issued_on="2008-03-11", **FOLLOWER)
NOBODY = event("referral", 5, "referral-f9", 1, "need-unmet", reason="no_partner_left", **FOLLOWER)


def lived(evidence: Evidence, *more: Stored) -> Evidence:
    log = [*REFERRAL, *more]
    return replace(evidence, referral=log, queues={}, figures=count(INTAKE, log))


def test_a_referral_given_on_is_no_fault(history: History, evidence: Evidence) -> None:
    shown = lived(evidence, DECLINED, NEXT)
    assert audit(history, shown) == []
    assert shown.figures["requests/status=referred"] == 2
    assert (shown.figures["referrals"], shown.figures["referrals/status=declined"]) == (3, 1)


def test_a_need_that_was_unmet_and_settled_is_counted_as_that(history: History, evidence: Evidence) -> None:
    shown = lived(evidence, DECLINED, NOBODY)
    assert audit(history, shown) == []
    assert (shown.figures["needs"], shown.figures["requests/status=referred"]) == (1, 1)
    again = moved(6, "f1", 4, "reopened", "declined", reason="mistake")
    settled = event("referral", 7, "referral-f9", 2, "need-settled", request_id="r1-1", follower="f1")
    shown = lived(evidence, DECLINED, NOBODY, again, settled)
    assert audit(history, shown) == []
    assert "needs" not in shown.figures
    assert shown.figures["requests/status=referred"] == 2


def test_a_walk_is_counted_and_taken_off_when_it_is_undone(history: History, evidence: Evidence) -> None:
    walked = moved(4, "f1", 3, "person-walked", "accepted")
    received = moved(5, "f1", 4, "person-received", "walked")._replace(time="2008-03-11T09:37:59+01:00")
    shown = lived(evidence, walked, received)
    assert audit(history, shown) == []
    assert (shown.figures["handovers/result=received"], shown.figures["minutes_to_partner"]) == (1, 7)
    undone = moved(6, "f1", 5, "move-undone", "received", back_to="walked")
    assert "handovers" not in lived(evidence, walked, received, undone).figures
    again = moved(7, "f1", 6, "person-missed", "walked")._replace(time="2008-03-11T09:40:00+01:00")
    came_back = moved(8, "f1", 7, "person-received", "missed")._replace(time="2008-03-12T09:00:00+01:00")
    shown = lived(evidence, walked, received, undone, again, came_back)
    assert audit(history, shown) == []
    assert (shown.figures["handovers"], shown.figures["handovers/result=left"]) == (1, 1)


def test_a_place_is_counted_while_it_is_kept(history: History, evidence: Evidence) -> None:
    booked = moved(4, "f1", 3, "appointment-booked", "accepted", permanence_id="s_b_20080319T1400")
    shown = lived(evidence, booked)
    assert audit(history, shown) == []
    assert (shown.figures["places"], shown.figures["places/partner=p07"]) == (1, 1)
    off = event("referral", 5, "permanence-s_b_20080319T1400", 1, "permanence-cancelled", partner="p07")
    cancelled = moved(6, "f1", 4, "appointment-cancelled", "booked", back_to="accepted")
    figures = lived(evidence, booked, off, cancelled).figures
    assert (figures.get("places"), figures["permanences_cancelled/partner=p07"]) == (None, 1)
    declined = moved(5, "f1", 4, "declined", "booked", reason="no_capacity")
    assert "places" not in lived(evidence, booked, declined).figures
    undone = moved(6, "f1", 5, "move-undone", "declined", back_to="booked")
    assert lived(evidence, booked, declined, undone).figures["places"] == 1


def test_delays_are_counted_from_the_history_and_taken_off_with_what_is_taken_back(
    history: History, evidence: Evidence
) -> None:
    completed = moved(4, "f1", 3, "completed", "accepted", outcome="helped")._replace(time="2008-03-20T09:00:00+01:00")
    shown = lived(evidence, completed)
    assert audit(history, shown) == []
    assert (shown.figures["answers/delay=000"], shown.figures.get("answer_days")) == (1, None)
    assert (shown.figures["outcomes/delay=008-014"], shown.figures["outcome_days/partner=p07"]) == (1, 9)
    for back in (
        moved(5, "f1", 4, "move-undone", "completed", back_to="accepted"),
        moved(5, "f1", 4, "reopened", "completed", reason="mistake"),
    ):
        figures = lived(evidence, completed, back).figures
        assert (figures["answers"], figures.get("outcomes"), figures.get("outcome_days")) == (1, None, None)
    reopened = moved(5, "f1", 4, "reopened", "completed", reason="mistake")
    undone = moved(6, "f1", 5, "move-undone", "issued", back_to="completed")
    assert lived(evidence, completed, reopened, undone).figures["outcome_days"] == 9
    again = moved(6, "f1", 5, "declined", "issued", reason="no_capacity")
    assert lived(evidence, completed, reopened, again).figures["answers"] == 1


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ((DECLINED,), "chain broken"),
        ((NEXT._replace(position=4),), "chain broken"),
        ((DECLINED, NEXT, moved(6, "f1", 4, "reopened", "accepted")), "illegal move"),
        ((moved(4, "f1", 3, "completed", "accepted"),), "illegal move"),
        ((moved(4, "f2", 2, "completed", "issued", outcome="helped"),), "illegal move"),
        ((DECLINED, NOBODY, moved(6, "f1", 4, "reopened", "declined")), "unmet and with a partner"),
    ],
)
def test_a_life_that_cannot_be_is_found(
    history: History, evidence: Evidence, more: tuple[Stored, ...], fault: str
) -> None:
    assert faults(history, lived(evidence, *more)) == {fault}
