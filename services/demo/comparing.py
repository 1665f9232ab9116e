"""Whether what the house counted agrees with what the Maison published, and with what the desks were told.

Pure. Shares are worked out here from the counts of the stats service, so that one rounding serves the printed
table and the judgement.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.demo.seed import Seed

BREAKFAST, MEETING = "health_breakfast", "thematic_meeting"
PLIE = "p10"


class _Part(BaseModel):
    # The report may say more than the review reads; that is no reason to refuse it.
    model_config = ConfigDict(frozen=True, extra="ignore")


class CategoryCount(_Part):
    """Requests of one category."""

    category: str
    count: int


class StatusCount(_Part):
    """Requests or referrals that stand at one status."""

    status: str
    count: int


class PartnerCount(_Part):
    """Referrals handed to one partner, by code."""

    partner: str
    count: int


class Visits(_Part):
    """Visits of the year, and of the year before where it was counted."""

    count: int
    previous: int | None = None


class Requests(_Part):
    """Requests of the year; status is `open`, `answered` (on the spot), `referred` or `unmet`."""

    count: int
    by_category: tuple[CategoryCount, ...]
    by_status: tuple[StatusCount, ...]


class Referrals(_Part):
    """Referrals of the year, by partner and by how far they have come."""

    count: int
    by_partner: tuple[PartnerCount, ...]
    by_status: tuple[StatusCount, ...]


class KindCount(_Part):
    """Of one kind of collective action. `count` None: told to nobody."""

    kind: str
    count: int | None


class ByKind(_Part):
    """Collective actions, or people at them, by kind."""

    by_kind: tuple[KindCount, ...] = ()

    def of(self, kind: str) -> int:
        """The count of one kind."""
        return sum(row.count or 0 for row in self.by_kind if row.kind == kind)


class PeopleCount(_Part):
    """Different people referred to one partner."""

    partner: str
    count: int | None


class People(_Part):
    """Different people of the year."""

    by_partner: tuple[PeopleCount, ...] = ()

    def of(self, partner: str) -> int | None:
        """Those of one partner; None where that is not told."""
        return next((row.count for row in self.by_partner if row.partner == partner), None)


class Report(_Part):
    """`GET /report/{year}` of the stats service, as far as the review reads it."""

    year: int
    visits: Visits
    requests: Requests
    referrals: Referrals
    actions: ByKind | None = None
    attendances: ByKind = ByKind()
    participants: ByKind = ByKind()
    people: People = People()
    as_of: Mapping[str, Any] = {}

    @property
    def answered(self) -> int:
        """Requests dealt with at the desk."""
        return _of_status(self.requests.by_status, "answered")

    @property
    def unmet(self) -> int:
        """Needs that nobody in the catalogue answers."""
        return _of_status(self.requests.by_status, "unmet")

    @property
    def still_open(self) -> int:
        """Requests that nobody has dealt with, in a house that has come to rest."""
        return _of_status(self.requests.by_status, "open")

    @property
    def handed_over(self) -> int:
        """Referrals that reached a partner."""
        return sum(row.count for row in self.referrals.by_partner)

    @property
    def counts(self) -> dict[str, int]:
        """Requests by category code."""
        return {row.category: row.count for row in self.requests.by_category}


def _of_status(rows: Iterable[StatusCount], status: str) -> int:
    return sum(row.count for row in rows if row.status == status)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure held against another. `subject` is a stable code such as `visits` or `share:health`."""

    subject: str
    measured: float
    expected: float
    agrees: bool

    @property
    def difference(self) -> float:
        """Measured minus expected, in the unit of both."""
        return self.measured - self.expected


def compare(
    report: Report,
    seed: Seed,
    *,
    acknowledged_visits: int | None = None,
    acknowledged_requests: Mapping[str, int] | None = None,
) -> list[Comparison]:
    """Each figure of the report against the seed, against what the desks were told, and against the others.

    The bands of the seed are wide enough to lose a visit unseen; the acknowledged visits, and requests by
    category, are exact where given.
    """
    found = [
        Comparison("visits", report.visits.count, seed.visits.value, seed.visits_band.holds(report.visits.count)),
        *_shares(report, seed),
        *_growth(report, seed),
        *_actions(report, seed),
    ]
    followed = report.answered + report.handed_over + report.unmet
    exact: list[tuple[str, int, int | None]] = [
        ("visits_acknowledged", report.visits.count, acknowledged_visits),
        ("requests_acknowledged", *_as_acknowledged(report, acknowledged_requests)),
        ("categories_add_up", sum(report.counts.values()), report.requests.count),
        ("every_request_followed", followed, report.requests.count),
        ("no_request_left_open", report.still_open, 0),
        ("referral_partners_add_up", report.handed_over, report.referrals.count),
        (
            "referral_statuses_add_up",
            sum(row.count for row in report.referrals.by_status),
            report.referrals.count,
        ),
    ]
    found += [Comparison(subject, ours, other, ours == other) for subject, ours, other in exact if other is not None]
    return found


def _shares(report: Report, seed: Seed) -> list[Comparison]:
    """Shares in percent of every category that either names, then of the unpublished ones together."""
    measured = {code: _percent(count, report.requests.count) for code, count in report.counts.items()}
    expected = {code: figure.value for code, figure in seed.shares.items()}
    codes = [*expected, *(code for code in measured if code not in expected)]
    pairs = [(f"share:{code}", measured.get(code, 0.0), expected.get(code, 0.0)) for code in codes]
    others = [code for code in codes if code not in seed.shares or not seed.shares[code].published]
    pairs.append(
        (
            "share_of_others",
            sum(measured.get(code, 0.0) for code in others),
            sum(expected.get(code, 0.0) for code in others),
        )
    )
    return [
        Comparison(subject, ours, theirs, abs(ours - theirs) <= seed.share_tolerance_points)
        for subject, ours, theirs in pairs
    ]


def _growth(report: Report, seed: Seed) -> list[Comparison]:
    """Growth over the year before in percent; nothing where that year was not counted."""
    if not report.visits.previous:
        return []
    growth = _percent(report.visits.count - report.visits.previous, report.visits.previous)
    close = abs(growth - seed.growth.value) <= seed.share_tolerance_points
    return [Comparison("growth", growth, seed.growth.value, close)]


def _actions(report: Report, seed: Seed) -> list[Comparison]:
    """Collective actions and who was there, exactly; nothing where the report does not speak of them."""
    if report.actions is None:
        return []
    pairs = [
        ("breakfasts", report.actions.of(BREAKFAST), seed.breakfasts.value),
        ("breakfast_people", report.participants.of(BREAKFAST), seed.breakfast_people.value),
        ("at_the_tables", report.attendances.of(BREAKFAST), seed.breakfasts.value * seed.at_the_table.value),
        ("meetings", report.actions.of(MEETING), seed.meetings.value),
    ]
    found = [Comparison(subject, ours, theirs, ours == theirs) for subject, ours, theirs in pairs]
    met = report.people.of(PLIE)
    if met is not None:
        agrees = seed.people_band.holds(met)
        found.append(Comparison("people_employed_plan", met, seed.people_employed_plan.value, agrees))
    return found


def _as_acknowledged(report: Report, acknowledged: Mapping[str, int] | None) -> tuple[int, int | None]:
    """Requests that are counted under the category they were acknowledged with, and all acknowledged ones."""
    if acknowledged is None:
        return 0, None
    surplus = sum(max(count - acknowledged.get(code, 0), 0) for code, count in report.counts.items())
    missing = sum(max(count - report.counts.get(code, 0), 0) for code, count in acknowledged.items())
    total = sum(acknowledged.values())
    # A request too many is as wrong as one missing, and the two must not cancel out.
    return total - max(surplus, missing), total


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
