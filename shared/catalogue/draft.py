"""A house file as far as it is sound, so that its parts can be held against each other all the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from shared.catalogue.deadlines import Deadlines
from shared.catalogue.lines import Lines, Path
from shared.catalogue.part import Part
from shared.catalogue.parts import Category, Partner, Rule, Topic
from shared.catalogue.schedule import Permanence, PermanenceException
from shared.catalogue.site import Site

_Sound = TypeVar("_Sound", bound=Part)


class Finding(NamedTuple):
    """What is wrong with the value at a path of the document."""

    path: Path
    what: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The sound parts by their place in the file, and the codes that even the unsound ones state.

    Without the latter a slip in one part would be told again for each part that refers to it.
    `codes` and `holders` (who holds a permanence) are None where the section cannot be read at all: then
    nothing that refers to it is a fault. `deadlines` is None where the house's own cannot be used, and
    `is_plan_sound` whether every permanence can.
    """

    raw: Mapping[str, Any]
    lines: Lines
    sites: Mapping[int, Site]
    categories: Mapping[int, Category]
    topics: Mapping[int, Topic]
    partners: Mapping[int, Partner]
    permanences: Mapping[int, Permanence]
    exceptions: Mapping[int, PermanenceException]
    rules: Mapping[int, Rule]
    codes: Mapping[str, frozenset[str] | None]
    ruled: frozenset[tuple[str, str | None]]
    holders: frozenset[str] | None
    deadlines: Deadlines | None
    is_plan_sound: bool


def draft_of(raw: Mapping[str, Any], lines: Lines) -> Draft:
    """Sort out what can be used. `raw` is the parsed document with its arrays as tuples."""
    rules = _items(raw.get("rules"))
    held = _inside(raw.get("schedule"), "permanences")
    others = _inside(raw.get("schedule"), "exceptions")
    return Draft(
        raw=raw,
        lines=lines,
        sites=_sound(raw.get("sites"), Site),
        categories=_sound(raw.get("categories"), Category),
        topics=_sound(raw.get("topics"), Topic),
        partners=_sound(raw.get("partners"), Partner),
        permanences=_sound(held, Permanence),
        exceptions=_sound(others, PermanenceException),
        rules=_sound(raw.get("rules"), Rule),
        codes={name: _codes(raw.get(name)) for name in ("sites", "categories", "topics", "partners")},
        ruled=frozenset((_text(rule, "category") or "", _text(rule, "topic")) for rule in rules.values()),
        holders=_holders(held, others),
        deadlines=_one_sound(raw.get("deadlines", {}), Deadlines),
        is_plan_sound=isinstance(held, tuple) and len(_sound(held, Permanence)) == len(held),
    )


def stated(value: object, key: str) -> dict[int, str]:
    """Place in the section -> the code or id stated there."""
    return {place: code for place, item in _items(value).items() if (code := _text(item, key)) is not None}


def _items(value: object) -> dict[int, Mapping[str, Any]]:
    if not isinstance(value, tuple):
        return {}
    return {place: item for place, item in enumerate(value) if isinstance(item, Mapping)}


def _inside(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None


def _text(item: Mapping[str, Any], key: str) -> str | None:
    value = item.get(key)
    return value if isinstance(value, str) else None


def _sound(value: object, model: type[_Sound]) -> dict[int, _Sound]:
    found = {}
    for place, item in _items(value).items():
        try:
            found[place] = model.model_validate(item)
        except ValidationError:
            continue
    return found


def _holders(permanences: object, exceptions: object) -> frozenset[str] | None:
    if not isinstance(permanences, tuple):
        return None
    return frozenset((*stated(permanences, "partner").values(), *stated(exceptions, "partner").values()))


def _one_sound(value: object, model: type[_Sound]) -> _Sound | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _codes(value: object) -> frozenset[str] | None:
    if not isinstance(value, tuple):
        return None
    return frozenset(stated(value, "code").values())
