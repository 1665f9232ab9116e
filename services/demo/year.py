"""The year that the demo plays: every visit of it, in order, from a seed number and nothing else.

Pure: the same house and the same seed give the same year. Shares are dealt out in exact counts and then
shuffled, because plain chance over six thousand requests strays further than the review tolerates. Dates,
categories and wishes each have their own source of chance: a topic added to the catalogue moves no date.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import floor
from random import Random
from typing import TypeVar
from zoneinfo import ZoneInfo

from holidays import country_holidays

from services.demo.seed import SHARES
from shared.catalogue import WEEKDAYS, Catalogue

VISITS = 5_970
TWO_REQUESTS_PERCENT = 8.0

# Invented, and only meant to look like a year: a busy start of the week, quiet Wednesdays without the
# schoolchildren's parents, a crowded September, half an August.
_BY_WEEKDAY = {0: 1.15, 1: 1.10, 2: 0.85, 3: 1.00, 4: 0.85, 5: 0.50, 6: 0.50}
_BY_MONTH = {
    1: 1.10, 2: 1.00, 3: 1.05, 4: 1.00, 5: 0.95, 6: 1.05, 7: 0.80, 8: 0.45, 9: 1.20, 10: 1.10, 11: 1.05,
    12: 0.90,
}  # fmt: skip
_BY_HOUR = {8: 0.8, 9: 1.4, 10: 1.5, 11: 1.1, 12: 0.5, 13: 0.9, 14: 1.4, 15: 1.2, 16: 0.9, 17: 0.5}
_BY_CHANNEL = {"in_person": 93.0, "phone": 7.0}
# Desk 2 is the half-time worker, who is there in the morning; desk 3 is the coordinator, who lends a hand.
_BY_DESK_MORNING = {1: 50.0, 2: 40.0, 3: 10.0}
_BY_DESK_AFTERNOON = {1: 80.0, 3: 20.0}
ACCOMPANIED = ("employment", "training")
"""Who asks for one of these alone comes back for the same, and is recognised: counted as people, not as visits."""
_ACCOMPANIED_TIMES = 4
_TOPIC_PERCENT = 60.0
_WISH_PERCENT = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch of one weekday (0 = Monday) in which the desk receives, end excluded, in the site's time."""

    weekday: int
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class DeskView:
    """What a front desk knows of its house: when it is open, what can be asked, who can be asked for.

    `calendar` is the country code of the library `holidays`. `topics` are codes by category, `partners`
    codes by category and topic (none for a request without one), `on_the_spot` what the house answers itself.
    """

    site: str
    zone: str
    calendar: str
    openings: tuple[Opening, ...]
    on_the_spot: frozenset[str]
    topics: Mapping[str, Sequence[str]]
    partners: Mapping[tuple[str, str | None], Sequence[str]]


def desk_view(catalogue: Catalogue, year: int = 2008) -> DeskView:
    """The desk of the catalogue's first site.

    Only partners that are there all year can be wished for: when the others are sent anyone is for routing.
    """
    site = catalogue.default_site
    there = [partner for partner in catalogue.partners if partner.active_on(date(year, 1, 1))]
    topics = {
        category.code: [topic.code for topic in catalogue.topics if topic.category == category.code]
        for category in catalogue.categories
    }
    asked = [(category, topic) for category, codes in topics.items() for topic in (None, *codes)]
    return DeskView(
        site=site.code,
        zone=site.time_zone,
        calendar=site.calendar,
        openings=tuple(
            Opening(number, interval.start, interval.end)
            for number, weekday in enumerate(WEEKDAYS)
            for interval in site.hours.on(weekday)
        ),
        on_the_spot=frozenset(category.code for category in catalogue.categories if category.on_the_spot),
        topics=topics,
        partners={
            (category, topic): [p.code for p in there if catalogue.answers(p, category, topic)]
            for category, topic in asked
        },
    )


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One thing asked for; `partner` is a wish, `answered` = dealt with at the desk."""

    category: str
    topic: str | None
    partner: str | None
    answered: bool


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One visit to come: `occurred_at` is aware, in the site's zone; `desk` is 1, 2 or 3.

    `returns_to` = the number of an earlier visit at the same desk: of the same person, who is recognised.
    """

    number: int
    occurred_at: datetime
    site: str
    channel: str
    requests: tuple[PlannedRequest, ...]
    desk: int
    idempotency_key: str
    returns_to: int | None = None


def plan_year(
    house: DeskView,
    year: int = 2008,
    seed: int = 2008,
    *,
    visits: int = VISITS,
    shares: Mapping[str, float] | None = None,
) -> Iterator[PlannedVisit]:
    """All visits of a year, in the order of time. `shares` are weights by category, the seed's by default."""
    weights = shares or {category: figure.value for category, figure in SHARES.items()}
    moments = _moments(house, year, visits, Random(f"{seed}/{year}/dates"))
    asked = _asked(visits, weights, Random(f"{seed}/{year}/categories"))
    channels = _dealt(visits, _BY_CHANNEL, Random(f"{seed}/{year}/channels"))
    wishes, desks = Random(f"{seed}/{year}/wishes"), Random(f"{seed}/{year}/desks")
    known: dict[tuple[int, tuple[PlannedRequest, ...]], tuple[int, int]] = {}
    for number, (moment, categories, channel) in enumerate(zip(moments, asked, channels, strict=True), start=1):
        requests = tuple(_request(category, house, wishes) for category in categories)
        desk = _drawn(_BY_DESK_MORNING if moment.hour < 12 else _BY_DESK_AFTERNOON, desks)
        returns_to = None
        if len(categories) == 1 and categories[0] in ACCOMPANIED:
            first, times = known.pop((desk, requests), (number, 0))
            returns_to = first if times else None
            if times + 1 < _ACCOMPANIED_TIMES:
                known[desk, requests] = first, times + 1
        yield PlannedVisit(
            number=number,
            occurred_at=moment,
            site=house.site,
            channel=channel,
            requests=requests,
            desk=desk,
            idempotency_key=f"played-year-{year}-{seed}-{house.site}-{number:06d}",
            returns_to=returns_to,
        )


def opening_days(house: DeskView, year: int) -> list[date]:
    """The days of a year on which the house receives: its weekdays, without the public holidays."""
    weekdays = {opening.weekday for opening in house.openings}
    closed = country_holidays(house.calendar, years=year)
    first = date(year, 1, 1)
    days = (first + timedelta(days=n) for n in range(366))
    return [day for day in days if day.year == year and day.weekday() in weekdays and day not in closed]


def largest_remainder(total: int, weights: Mapping[T, float]) -> dict[T, int]:
    """Whole counts in the proportion of the weights that add up to exactly `total`."""
    whole = sum(weights.values())
    if total < 0 or whole <= 0:
        raise ValueError("a total of 0 or more, and weights above 0, are needed")
    quotas = {key: total * weight / whole for key, weight in weights.items()}
    counts = {key: floor(quota) for key, quota in quotas.items()}
    by_remainder = sorted(quotas, key=lambda key: quotas[key] - counts[key], reverse=True)
    for key in by_remainder[: total - sum(counts.values())]:
        counts[key] += 1
    return counts


def _moments(house: DeskView, year: int, visits: int, chance: Random) -> list[datetime]:
    """The time of every visit, in order: how many on each day first, then when within the day."""
    zone = ZoneInfo(house.zone)
    minutes = {day: _open_minutes(house, day.weekday()) for day in opening_days(house, year)}
    weights = {
        day: sum(_BY_HOUR.get(minute // 60, 0.5) for minute in open_minutes)
        * _BY_WEEKDAY[day.weekday()] * _BY_MONTH[day.month] * chance.uniform(0.85, 1.15)
        for day, open_minutes in minutes.items()
    }  # fmt: skip
    moments: list[datetime] = []
    for day, count in largest_remainder(visits, weights).items():
        rhythm = {minute: _BY_HOUR.get(minute // 60, 0.5) for minute in minutes[day]}
        for _ in range(count):
            minute = _drawn(rhythm, chance)
            at = time(minute // 60, minute % 60, chance.randrange(60))
            moments.append(datetime.combine(day, at, tzinfo=zone))
    return sorted(moments)


def _open_minutes(house: DeskView, weekday: int) -> list[int]:
    """The minutes after midnight at which the desk receives on a weekday."""
    return [
        minute
        for opening in house.openings
        if opening.weekday == weekday
        for minute in range(_minute_of_day(opening.start), _minute_of_day(opening.end))
    ]


def _minute_of_day(at: time) -> int:
    return at.hour * 60 + at.minute


def _asked(visits: int, weights: Mapping[str, float], chance: Random) -> list[tuple[str, ...]]:
    """The categories that each visit asks about: one, or two for the few that come with two requests."""
    pairs = round(visits * TWO_REQUESTS_PERCENT / 100)
    dealt = _dealt(visits + pairs, weights, chance)
    singles = [(category,) for category in dealt[2 * pairs :]]
    asked = [*_unlike_pairs(dealt[:pairs], dealt[pairs : 2 * pairs]), *singles]
    chance.shuffle(asked)
    return asked


def _unlike_pairs(firsts: list[str], seconds: list[str]) -> list[tuple[str, ...]]:
    """Two requests of one visit are about different things where the counts allow it."""
    for here, first in enumerate(firsts):
        if seconds[here] != first:
            continue
        for there, other in enumerate(firsts):
            if seconds[there] != first and other != first:
                seconds[here], seconds[there] = seconds[there], seconds[here]
                break
    return list(zip(firsts, seconds, strict=True))


def _request(category: str, house: DeskView, chance: Random) -> PlannedRequest:
    answered = category in house.on_the_spot
    topics = house.topics.get(category, ())
    topic = chance.choice(topics) if topics and chance.random() * 100 < _TOPIC_PERCENT else None
    partners = () if answered else house.partners.get((category, topic), ())
    wished = bool(partners) and chance.random() * 100 < _WISH_PERCENT
    return PlannedRequest(category, topic, chance.choice(partners) if wished else None, answered)


def _dealt(total: int, weights: Mapping[T, float], chance: Random) -> list[T]:
    """Exactly `total` keys in the proportion of their weights, shuffled."""
    keys = [key for key, count in largest_remainder(total, weights).items() for _ in range(count)]
    chance.shuffle(keys)
    return keys


def _drawn(weights: Mapping[T, float], chance: Random) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]
