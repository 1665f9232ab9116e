"""Figures: exact once the house is quiet, and within bounds at every moment before."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from tests.auditing.corrections import gone, standing
from tests.auditing.finding import Finding
from tests.auditing.front_desk import count_front_desk
from tests.auditing.history import Attempt
from tests.auditing.lives import Life, lives_of
from tests.auditing.stored import SETTLED, UNMET, Stored, is_first

_NO_MOVE = (UNMET, "referral.reminded.v1", "referral.escalated.v1")

Figures = Mapping[str, int]
"""`visits` for a total, `visits/channel=phone` for a part of it. A figure of nothing is left out."""


def count(intake: Sequence[Stored], referral: Sequence[Stored]) -> dict[str, int]:
    """Every figure, counted anew from the logs."""
    figures = count_front_desk(intake)
    dropped = gone(intake)
    for visit in standing(intake):
        figures["visits"] += 1
        figures[f"visits/channel={visit.channel}"] += 1
        figures[f"visits/site={visit.site}"] += bool(visit.site)
        figures[f"visits/language={visit.language}"] += bool(visit.language)
        figures.update(f"visits/need={need}" for need in visit.needs)
        for category in {request["category"] for request in visit.requests}:
            figures[f"visits/category={category}"] += 1
        for request in visit.requests:
            figures["requests"] += 1
            figures[f"requests/category={request['category']}"] += 1
            figures["requests/status=answered"] += bool(request.get("answered"))
    for life in lives_of(referral).values():
        # What became of it happened; the request itself is none any more.
        is_request = life.made["request_id"] not in dropped
        figures.update(_of_a_life(life, is_request=is_request))
    for event in referral:
        if event.data.get("request_id") in dropped:
            continue
        if event.type == UNMET:
            figures["requests/status=unmet"] += 1
            figures["requests/status=referred"] -= not is_first(event)
        if event.type == "referral.permanence-cancelled.v1":
            figures.update(("permanences_cancelled", f"permanences_cancelled/partner={event.data['partner']}"))
        if event.type == SETTLED:
            figures["requests/status=unmet"] -= 1
            figures["requests/status=referred"] += 1
    return {name: figure for name, figure in figures.items() if figure}


def check_figures(shown: Figures, counted: Figures) -> Iterator[Finding]:
    """What is shown is what is counted, figure by figure."""
    for name in sorted(shown.keys() | counted.keys()):
        if shown.get(name, 0) != counted.get(name, 0):
            yield Finding("figure differs", f"{name} shows {shown.get(name, 0)}, the log counts {counted.get(name, 0)}")


def check_counter(recording: Sequence[Attempt], reading: Sequence[Attempt]) -> Iterator[Finding]:
    """A counter read on the way never shows more visits than were attempted by then, and never goes back."""
    first_asked: dict[str, int] = {}
    for one in recording:
        first_asked.setdefault(one.asked["key"], one.began)
    highest = 0
    for read in sorted(reading, key=lambda each: each.ended):
        if read.outcome != "ok":
            continue
        attempted = sum(began < read.ended for began in first_asked.values())
        if read.answered > attempted:
            yield Finding("counter too high", f"shows {read.answered} when {attempted} were attempted")
        if read.answered < highest:
            yield Finding("counter went back", f"shows {read.answered} after {highest}")
        highest = max(highest, read.answered)


def delay_of(days: int) -> str:
    """Under which delay so many days are counted."""
    lasts = ((0, "000"), (2, "001-002"), (7, "003-007"), (14, "008-014"), (30, "015-030"))
    return next((name for last, name in lasts if days <= last), "031+")


def _of_a_life(life: Life, *, is_request: bool) -> Counter[str]:
    """What one referral, or one unmet need, adds to the figures."""
    made, figures = life.made, Counter[str]()
    if "partner" not in made:
        if life.is_open_need:
            figures.update(("needs", f"needs/category={made['category']}", f"needs/reason={made['reason']}"))
        return figures
    figures["requests/status=referred"] += is_request and made.get("replaces") is None and not made.get("beside")
    figures.update(("referrals", f"referrals/partner={made['partner']}", f"referrals/category={made['category']}"))
    figures[f"referrals/status={life.status}"] += 1
    for figure, of_days, on in (
        ("answers", "answer_days", life.answered_on),
        ("outcomes", "outcome_days", life.completed_on),
    ):
        if on is not None:
            days = max(0, (date.fromisoformat(on) - date.fromisoformat(made["issued_on"])).days)
            figures.update((figure, f"{figure}/partner={made['partner']}", f"{figure}/delay={delay_of(days)}"))
            figures.update({of_days: days, f"{of_days}/partner={made['partner']}": days})
    if life.has_place:
        figures.update(("places", f"places/partner={made['partner']}"))
    for result, minutes in life.walks:
        figures.update(("handovers", f"handovers/partner={made['partner']}", f"handovers/result={result}"))
        if result == "received":
            figures["minutes_to_partner"] += minutes
            figures[f"minutes_to_partner/partner={made['partner']}"] += minutes
    return figures
