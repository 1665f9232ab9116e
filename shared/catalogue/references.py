"""Codes: each used once, each reference leading somewhere; and a partner's own deadlines beside the house's."""

from collections.abc import Iterable, Iterator, Mapping

from shared.catalogue.deadlines import out_of_order
from shared.catalogue.draft import Draft, Finding, stated
from shared.catalogue.lines import Path

# What a routing decision says where no rule of the file has decided.
RESERVED_RULES = frozenset({"wish", "on-the-spot"})

_ONE = {"sites": "site", "categories": "category", "topics": "topic", "partners": "partner"}


def references(draft: Draft) -> Iterator[Finding]:
    """Codes used twice, rule ids that are taken, and references that lead nowhere."""
    for section, key in (*((name, "code") for name in _ONE), ("rules", "id")):
        yield from _used_twice(draft, (section,), stated(draft.raw.get(section), key), key)
    for place, site in draft.sites.items():
        offices = dict(enumerate(office.code for office in site.offices))
        yield from _used_twice(draft, ("sites", place, "offices"), offices, "code")
    for place, rule in draft.rules.items():
        if rule.id in RESERVED_RULES:
            yield Finding(("rules", place, "id"), f'"{rule.id}" is what routing itself says: choose another')
    for path, section, code in _references(draft):
        known = draft.codes[section]
        if known is not None and code not in known:
            yield Finding(path, f'there is no {_ONE[section]} "{code}"')
    for path, codes in _lists(draft):
        for place, code in enumerate(codes):
            if code in codes[:place]:
                yield Finding((*path, place), f'"{code}" stands twice in this list')
    yield from _deadlines(draft)


def _deadlines(draft: Draft) -> Iterator[Finding]:
    house = draft.deadlines
    if house is None:
        return
    for place, partner in draft.partners.items():
        first, last = partner.first_answer_days, partner.outcome_days
        if (first or last) and (wrong := out_of_order(first or house.first_answer_days, last or house.outcome_days)):
            yield Finding(("partners", place), wrong)


def _used_twice(draft: Draft, section: Path, codes: Mapping[int, str], key: str) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for place, code in codes.items():
        if code in first:
            line = draft.lines.of((*section, first[code], key))
            yield Finding((*section, place, key), f'{key} "{code}" is already used on line {line}')
        first.setdefault(code, place)


def _references(draft: Draft) -> Iterator[tuple[Path, str, str]]:
    for place, topic in draft.topics.items():
        yield ("topics", place, "category"), "categories", topic.category
    for place, partner in draft.partners.items():
        yield from _each(("partners", place, "categories"), "categories", partner.categories)
        yield from _each(("partners", place, "topics"), "topics", partner.topics)
    for place, held in draft.permanences.items():
        yield ("schedule", "permanences", place, "site"), "sites", held.site
        yield ("schedule", "permanences", place, "partner"), "partners", held.partner
    for place, other in draft.exceptions.items():
        yield ("schedule", "exceptions", place, "site"), "sites", other.site
        if other.partner is not None:
            yield ("schedule", "exceptions", place, "partner"), "partners", other.partner
    for place, rule in draft.rules.items():
        yield ("rules", place, "category"), "categories", rule.category
        if rule.topic is not None:
            yield ("rules", place, "topic"), "topics", rule.topic
        yield from _each(("rules", place, "partners"), "partners", rule.partners)


def _each(path: Path, section: str, codes: Iterable[str]) -> Iterator[tuple[Path, str, str]]:
    for place, code in enumerate(codes):
        yield (*path, place), section, code


def _lists(draft: Draft) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for place, partner in draft.partners.items():
        yield ("partners", place, "categories"), partner.categories
        yield ("partners", place, "topics"), partner.topics
        yield ("partners", place, "identity_fields"), partner.identity_fields
    for place, rule in draft.rules.items():
        yield ("rules", place, "partners"), rule.partners
