"""Opaque cursors: where a page, or a live reader that was cut off, goes on.

A cursor is a place under a signature. It is good for what it was given for and for nothing else: one of another
queue, a forged one, one that was cut short are all refused alike, and nothing is replayed instead.
"""

from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from secrets import token_urlsafe

from itsdangerous import BadData, Signer

from shared.web.problems import Problem

CURSOR_MAX = 200
BEGINNING = "0-0"
"""The one place that everybody knows. It says nothing, and shows no more than asking without a cursor does."""
_BEGINNINGS = frozenset({"0", BEGINNING})
_PURPOSE = "maison-cursor-1"


class Cursors:
    """Gives cursors and reads them, the same at every replica and after every restart.

    They are signed under the key of the house. Where there is none, there is no other replica, and a restart is the
    end of them.
    """

    def __init__(self, house_key: Callable[[], str | None]) -> None:
        self._house_key = house_key

    def give(self, what: str, place: str) -> str:
        """The cursor of a place in `what`."""
        return self._signer(what).sign(place).decode()

    def read(self, what: str, cursor: str, field: str = "after") -> str:
        """The place that was signed. Raises the 422 problem, naming the `field` that the cursor came in."""
        if cursor in _BEGINNINGS:
            return BEGINNING
        try:
            place = self._signer(what).unsign(cursor).decode()
        except BadData:
            raise _unknown(field) from None
        # The signature's base64 has spare bits, so that other letters spell it too: what was given is the only one.
        if cursor != self.give(what, place):
            raise _unknown(field)
        return place

    def _signer(self, what: str) -> Signer:
        return Signer(self._key, salt=f"{_PURPOSE}:{what}", key_derivation="hmac", digest_method=sha256)

    @cached_property
    def _key(self) -> str:
        return self._house_key() or token_urlsafe(32)


def _unknown(field: str) -> Problem:
    detail = "Send back what was given to you for this address, unchanged; or leave it out, and begin at the beginning."
    return Problem(
        422, "unknown-cursor", "Nobody was given this cursor here", detail, [{"field": field, "detail": detail}]
    )
