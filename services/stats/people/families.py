"""Which ids are one somebody: cases that were merged, and cases about the same person. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.stats.people.presences import Tied


class Tie(NamedTuple):
    """What a case says of itself: the case that it is read as a part of, and whom it is about."""

    kept: str | None = None
    person: str | None = None


class Known(NamedTuple):
    """Who an id is: the same `root` for every id of one somebody, and whether the house knows them by name."""

    root: str
    named: bool


def tied(before: Mapping[str, Tie], told: Tied) -> dict[str, Tie]:
    """The ties after these were told."""
    after = dict(before)
    for case_id, kept in told.kept.items():
        after[case_id] = after.get(case_id, Tie())._replace(kept=kept)
    for case_id, person in told.person.items():
        after[case_id] = after.get(case_id, Tie())._replace(person=person)
    return after


def families(ties: Mapping[str, Tie]) -> dict[str, Known]:
    """Who each id is that is tied to another one. Whoever stands alone is not among them.

    Two readers that heard of merges in different orders may see a ring of cases for a moment: rings are families too.
    """
    beside: defaultdict[str, set[str]] = defaultdict(set)
    people = {tie.person for tie in ties.values() if tie.person}
    for case_id, tie in ties.items():
        for other in tie:
            if other and other != case_id:
                beside[case_id].add(other)
                beside[other].add(case_id)
    found: dict[str, Known] = {}
    for one in beside:
        if one not in found:
            family = _family(one, beside)
            named = people & family
            known = Known(min(named or family), bool(named))
            found |= dict.fromkeys(family, known)
    return found


def _family(one: str, beside: Mapping[str, Iterable[str]]) -> set[str]:
    found, waiting = {one}, [one]
    while waiting:
        more = set(beside[waiting.pop()]) - found
        found |= more
        waiting += more
    return found
