"""What somebody's days come to in counts of different people, of any range of days: pure.

Different people do not add up. What does: who was there in a period, less who was there in one period and came next in
another. Somebody of 29 February, 11 March and 3 May is in three months, and came again twice: one person of the year.
Both are kept, the second as a negative number, and a range cut into periods is the sum of what lies inside of it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from services.stats.people.presences import IDENTITY, TOTAL
from services.stats.periods import Grain, keys
from services.stats.tables import ALL_SITES

_CUT_INTO = (Grain.DAY, Grain.MONTH, Grain.YEAR)
"""What a range is put together from: between any two of these somebody may have come again."""


class Stop(NamedTuple):
    """A day on which somebody counts at a site, under one value of one dimension."""

    figure: str
    dimension: str
    value: str
    site: str
    day: str


class Track(NamedTuple):
    """All stops of one somebody, in order, and whether they have a name. Many people have the same."""

    stops: tuple[Stop, ...] = ()
    named: bool = False


COLUMNS = ("figure", "dimension", "grain", "next_grain", "site", "period", "next_period", "value")
Place = tuple[str, str, str, str, str, str, str, str]
"""A row of `people_counts`. Who was there in the period; with a next period: there, and there next."""
_Line = tuple[str, str, str, str]
"""figure, dimension, site (or all), value."""
_Days = tuple[str, ...]


def tracks(stops: Iterable[tuple[str, bool, Stop]]) -> dict[str, Track]:
    """Everybody's track, by root; (root, named, stop) in any order."""
    found: defaultdict[tuple[str, bool], list[Stop]] = defaultdict(list)
    for root, named, stop in stops:
        found[root, named].append(stop)
    return {root: Track(tuple(sorted(of_one)), named) for (root, named), of_one in found.items()}


def counts(
    before: Mapping[str, Track], after: Mapping[str, Track], newcomers: Mapping[Track, int] | None = None
) -> dict[Place, int]:
    """What to add to which row when these people's tracks are others. In one order for everybody.

    `newcomers`: how many more there are, by the track that they have and had none of.
    """
    nowhere = Track()
    changes = Counter((before.get(root, nowhere), after.get(root, nowhere)) for root in {**before, **after})
    changes.update({(nowhere, track): people for track, people in (newcomers or {}).items()})
    found: Counter[Place] = Counter()
    for (was, now), people in changes.items():
        for figure, dimension, site, value, days_before, days_after in _changed(was, now):
            for (grain, next_grain, period, next_period), step in _steps(days_before, days_after):
                found[figure, dimension, grain, next_grain, site, period, next_period, value] += step * people
    return {place: count for place, count in sorted(found.items()) if count}


def _changed(was: Track, now: Track) -> Iterator[tuple[str, str, str, str, _Days, _Days]]:
    """The lines on which somebody counts on other days than before."""
    before, after = _lines(was), _lines(now)
    for line in {**before, **after}:
        if before.get(line) != after.get(line):
            yield *line, tuple(sorted(before.get(line, ()))), tuple(sorted(after.get(line, ())))


def _lines(track: Track) -> Mapping[_Line, set[str]]:
    """On which days somebody counts on which line."""
    days: defaultdict[_Line, set[str]] = defaultdict(set)
    for figure, dimension, value, site, day in track.stops:
        divided = [(dimension, value)]
        if dimension == TOTAL:
            divided.append((IDENTITY, "named" if track.named else "anonymous"))
        for by, code in divided:
            days[figure, by, site, code].add(day)
            days[figure, by, ALL_SITES, code].add(day)
    return days


@lru_cache(maxsize=4096)
def _steps(before: _Days, after: _Days) -> tuple[tuple[tuple[str, str, str, str], int], ...]:
    """What one person who is there on other days adds to (grain, next grain, period, next period)."""
    was, now = set(before), set(after)
    both = {period for day in was & now for period in keys(day)}
    came, went = ({period for day in days for period in keys(day)} - both for days in (now - was, was - now))
    steps = [((grain.value, "", period, ""), 1) for grain, period in came - went]
    steps += [((grain.value, "", period, ""), -1) for grain, period in went - came]
    twice, no_more = set(pairwise(after)), set(pairwise(before))
    steps += [(again, -1) for days in twice - no_more for again in _between(*days)]
    steps += [(again, 1) for days in no_more - twice for again in _between(*days)]
    return tuple(steps)


@lru_cache(maxsize=4096)
def _between(day: str, next_day: str) -> tuple[tuple[str, str, str, str], ...]:
    """Somebody came on one day, and next on another: between which periods that was."""
    return tuple(
        (grain.value, next_grain.value, period, next_period)
        for grain, period in keys(day)
        for next_grain, next_period in keys(next_day)
        if grain in _CUT_INTO and next_grain in _CUT_INTO and not _overlap(period, next_period)
    )


def _overlap(period: str, other: str) -> bool:
    # In ISO form a day begins like its month, and a month like its year.
    return period.startswith(other) or other.startswith(period)
