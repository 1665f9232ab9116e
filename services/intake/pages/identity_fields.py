"""What the fields of an identity hold: as the vault has it, with what was typed over it."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.intake.pages.board import plain
from services.intake.vault import FIELDS
from shared.languages import LANGUAGES
from shared.web.pages import Language

Held = Mapping[str, Any]
"""Field -> value, of those that have one."""


def as_shown(identity: Held) -> dict[str, Any]:
    """An identity as a browser sends it back when nobody touches it: with its own ends of lines."""
    return {name: _sent_back(value) for name, value in identity.items()}


def typed_over(now: Held, typed: Held, was: Held) -> dict[str, Any]:
    """The fields with what was typed. `was` = what they held then: only what was changed there is taken over.

    So of two who correct an identity, the second keeps what the first has changed, and what she changed herself.
    """
    said = {name: (now if typed.get(name) == was.get(name) else typed).get(name) for name in FIELDS}
    return {name: value for name, value in said.items() if value is not None}


def contested(now: Held, typed: Held, was: Held) -> Iterator[str]:
    """The fields that two have changed, each in another way."""
    for name in FIELDS:
        if typed.get(name) not in (now.get(name), was.get(name)) and now.get(name) != was.get(name):
            yield name


def languages_spoken(language: Language) -> list[tuple[str, str]]:
    """The languages that can be said of somebody: code and name, by name."""
    names = {code: str(language.locale.languages[code]) for code in LANGUAGES}
    return sorted(names.items(), key=lambda one: plain(one[1]))


def _sent_back(value: Any) -> Any:
    return "\n".join(value.splitlines()).strip() if isinstance(value, str) else value
