"""Old stored shapes of events, and what makes today's of them. What is stored is never changed: it is read anew.

A new member with a default needs nothing here. What means something else gets a new schema version (`.v2`), and
the old one an upcast, so that everybody else knows today's shape only.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Upcast(NamedTuple):
    """`becomes` = the type that takes its place; `change`: the old data -> the new, as JSON's own types. Pure."""

    becomes: str
    change: Callable[[dict[str, Any]], dict[str, Any]]


UPCASTS: dict[str, Upcast] = {}
"""By the type that is no longer written. None has been replaced so far."""
