"""Identifiers: new ones are UUIDv7, those of reactions are computed from their cause.

A computed id makes a reaction repeatable: handling the same event twice names the same thing twice, and the
log refuses the second. Both kinds begin with the same 48 bits of time, so that indexes over them grow at
their right-hand edge instead of all over.
"""

from hashlib import sha256

from uuid_utils import uuid7

# "a" instead of "7" where UUIDs keep their version would be no UUID at all; 8 is RFC 9562's "custom" version.
_VERSION = "8"
_VARIANT = "8"


def new_id() -> str:
    """A new UUIDv7 in its canonical form of 36 characters."""
    return str(uuid7())


def derive_id(parent_id: str, *parts: str | int) -> str:
    """A UUID (version 8) that depends on nothing but its cause.

    `parent_id` is a UUID in canonical form; its time is kept, the rest is SHA-256 over the parent and `parts`.
    """
    digest = sha256("/".join((parent_id, *map(str, parts))).encode()).hexdigest()
    return f"{parent_id[:13]}-{_VERSION}{digest[:3]}-{_VARIANT}{digest[3:6]}-{digest[6:18]}"
