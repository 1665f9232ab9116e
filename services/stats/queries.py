"""The read side: counters added up over periods, with the positions that they stand at, in one snapshot."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from services.stats.actions import ACTIONS, ATTENDANCES
from services.stats.delays import ANSWER_DAYS, ANSWERS, OUTCOME_DAYS, OUTCOMES
from services.stats.gathered import Counter, gathered
from services.stats.people.distinct import Range, different
from services.stats.people.presences import IDENTITY, PARTICIPANTS, PEOPLE
from services.stats.periods import Grain, Span, divided
from services.stats.places import CALLED_OFF, PLACES
from services.stats.projections import HANDOVERS, MINUTES, NEEDS, REFERRALS, REQUESTS, TOTAL, VISITS
from services.stats.tables import ALL_SITES
from services.stats.waiting import ARRIVALS, INVITATIONS, WAITING
from shared.database import Database
from shared.inserting import mark_of

READER = "stats"


class Kind(NamedTuple):
    """What a figure counts: its unit, what day a thing is filed under, and what it can be divided by.

    `different`: different people, whose counts do not add up, of periods no more than of
    lines.
    """

    unit: str
    date_basis: str
    by: tuple[str, ...]
    different: bool = False


_DAY_OF_ISSUE = "the local day on which the referral was issued"
KINDS: Mapping[str, Kind] = {
    VISITS: Kind(
        "visits",
        "the local day on which the visit happened",
        ("category", "channel", "language", "need", "site"),
    ),
    REQUESTS: Kind("requests", "the local day on which the visit happened", ("category", "channel", "status", "site")),
    REFERRALS: Kind(
        "referrals",
        _DAY_OF_ISSUE,
        ("category", "partner", "status", "site"),
    ),
    ANSWERS: Kind("answers", _DAY_OF_ISSUE, ("partner", "delay", "site")),
    ANSWER_DAYS: Kind("days", _DAY_OF_ISSUE, ("partner", "site")),
    OUTCOMES: Kind("outcomes", _DAY_OF_ISSUE, ("partner", "delay", "site")),
    OUTCOME_DAYS: Kind("days", _DAY_OF_ISSUE, ("partner", "site")),
    PLACES: Kind("places", "the local day of the permanence", ("partner", "site")),
    CALLED_OFF: Kind("permanences", "the local day of the permanence", ("partner", "site")),
    HANDOVERS: Kind(
        "handovers",
        "the local day on which the walk to the partner's door ended",
        ("partner", "result", "site"),
    ),
    MINUTES: Kind(
        "minutes",
        "the local day on which the partner received the person",
        ("partner", "site"),
    ),
    NEEDS: Kind("needs", "the local day on which the need was found unmet", ("category", "reason", "site")),
    ARRIVALS: Kind("arrivals", "the local day on which the visitor arrived", ("result", "wait", "site")),
    WAITING: Kind("minutes", "the local day on which the visitor arrived", ("result", "site")),
    INVITATIONS: Kind("invitations", "the local day on which the invitation was given", ("status", "site")),
    ACTIONS: Kind("actions", "the local day on which the action was held", ("kind", "category", "partner", "site")),
    ATTENDANCES: Kind(
        "attendances", "the local day on which the action was held", ("kind", "category", "partner", "site")
    ),
    PARTICIPANTS: Kind(
        "people",
        "the local day on which the action was held",
        ("kind", "category", "partner", IDENTITY, "site"),
        different=True,
    ),
    PEOPLE: Kind(
        "people",
        "the local day of the visit; by partner, that on which the referral was issued",
        ("partner", IDENTITY, "site"),
        different=True,
    ),
}
LIVE: Mapping[str, Kind] = {figure: kind for figure, kind in KINDS.items() if not kind.different}
"""What moves before everybody's eyes: sums that are kept, and cost the same whatever the history."""


class Asked(NamedTuple):
    """One question to the figures. `by` None = the total, `grain` None = the whole range as one."""

    figure: str
    by: str | None = None
    grain: Grain | None = None
    first: date | None = None
    last: date | None = None
    site: str | None = None


async def ask(database: Database, asked: Asked) -> dict[str, Any]:
    """The answer to one question, as `GET /stats/...` gives it."""
    rows, as_of = await database.read(lambda connection: (rows_of(connection, asked), positions(connection)))
    kind = KINDS[asked.figure]
    return {"unit": kind.unit, "date_basis": kind.date_basis, "as_of": as_of, "rows": rows}


def rows_of(connection: Connection, asked: Asked) -> list[dict[str, Any]]:
    """Rows of `{"period"?, "<by>"?, "count"}`, by period, then by value. Nothing counted, no row."""
    if KINDS[asked.figure].different:
        found = sorted((*key, count) for key, count in different(connection, Range(*asked)).items())
    else:
        found = sorted(_added_up(connection, asked))
    by = asked.by
    match asked.grain is not None, by:
        case True, str():
            return [{"period": period, by: value, "count": count} for period, value, count in found if count]
        case True, None:
            return [{"period": period, "count": count} for period, _, count in found if count]
        case _, str():
            return [{by: value, "count": count} for _, value, count in found if count]
    return [{"count": count} for *_, count in found if count] or [{"count": 0}]


def positions(connection: Connection) -> dict[str, int]:
    """How many events of each topic the figures have taken in: positions are dense, so partitions add up."""
    found = connection.execute(
        text("SELECT topic, sum(position) FROM checkpoints WHERE reader = :reader GROUP BY topic"),
        {"reader": READER},
    )
    return {"intake": 0, "referral": 0, **{topic: int(position) for topic, position in found}}


def _spans(asked: Asked) -> Sequence[Span]:
    if asked.grain is None:
        if asked.first is None and asked.last is None:
            return [Span(Grain.ALL, "", "", "")]
        return [Span(span.grain, span.first, span.last, "") for span in divided(asked.first, asked.last, Grain.ALL)]
    if asked.first is None and asked.last is None:
        return [Span(asked.grain, "", "~")]
    return divided(asked.first, asked.last, asked.grain)


def _added_up(connection: Connection, asked: Asked) -> list[Counter]:
    spans = _spans(asked)
    # A day of a period is counted once: only spans of one label have anything to add to each other.
    if len({span.label for span in spans}) == len(spans):
        return [counter for span in spans for counter in _counters(connection, asked, span)]
    totals: dict[tuple[str, str], int] = {}
    for span in spans:
        for label, value, count in _counters(connection, asked, span):
            totals[label, value] = totals.get((label, value), 0) + count
    return [(*key, count) for key, count in totals.items()]


def _counters(connection: Connection, asked: Asked, span: Span) -> list[Counter]:
    """(label, value, count) of a span: of each of its periods, or of all of them if it has a label."""
    by_site = asked.by == "site"
    value, dimension = ("site", TOTAL) if by_site else ("value", asked.by or TOTAL)
    mark = mark_of(connection)
    condition, of_sites = f"site = {mark}", [asked.site or ALL_SITES]
    if by_site and not asked.site:
        # Named one by one, each is a run of rows; as "any but all together" it would be every period of each.
        every = f"SELECT site FROM figures WHERE figure = {mark} AND dimension = {mark} AND grain = 'all'"
        condition, of_sites = f"site IN ({every} AND site <> {mark})", [asked.figure, dimension, ALL_SITES]
    # Added up where the rows lie: months of days of a hundred sites are thousands that need not come here.
    wanted, grouped = f"period, {value}, count", ""
    if span.label is not None:
        wanted, grouped = f"'', {value}, CAST(sum(count) AS BIGINT)", f" GROUP BY {value}"
    query = (
        f"SELECT {wanted} FROM figures WHERE figure = {mark} AND dimension = {mark} AND grain = {mark}"
        f" AND {condition} AND period BETWEEN {mark} AND {mark}{grouped}"
    )
    found = gathered(connection, query, [asked.figure, dimension, span.grain.value, *of_sites, span.first, span.last])
    return found if span.label is None else [(span.label, value, count) for _, value, count in found]
