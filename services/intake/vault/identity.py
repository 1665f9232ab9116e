"""Who somebody is, as far as the house was told."""

from dataclasses import dataclass, fields
from typing import Any

import msgspec

PHONE_DIGITS_SHOWN = 3
_PHONE_DIGITS_MIN = 6


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """The fields of an identity. It has no `repr`: what is printed by mistake must not be somebody's name."""

    given_name: str
    family_name: str
    birth_date: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    language: str | None = None
    safe_to_contact: bool | None = None

    def known(self) -> dict[str, Any]:
        """The fields that have a value, in their order."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not None}

    def canonical(self) -> bytes:
        """The same bytes for the same identity."""
        return msgspec.json.encode(self.known())


FIELDS = tuple(field.name for field in fields(Identity))


def phone_ending(phone: str | None) -> str | None:
    """The last three digits of a telephone number, to tell two people apart; None when there are hardly more."""
    digits = [letter for letter in phone or "" if letter.isdigit()]
    return "".join(digits[-PHONE_DIGITS_SHOWN:]) if len(digits) >= _PHONE_DIGITS_MIN else None
