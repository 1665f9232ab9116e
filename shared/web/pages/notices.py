"""What the next page says of what was just done, with the button that undoes it.

It travels in a cookie of a minute, because a POST answers with a redirect. It holds codes and ids only: the page
that reads it finds the words, and a forged one can say nothing of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

COOKIE = "notice"
KEPT_S = 60
_FORM = re.compile(r"^[a-z0-9_]{1,40}(\.[A-Za-z0-9_-]{1,80}){0,4}$")


@dataclass(frozen=True)
class Notice:
    """`kind` names what was done; `about` are the ids that its words and its undo need."""

    kind: str
    about: tuple[str, ...] = ()

    def leave(self, answer: Response, *, secure: bool = False) -> None:
        """Have the next page show it."""
        value = ".".join((self.kind, *self.about))
        assert _FORM.match(value), "a notice holds codes and ids"
        answer.set_cookie(COOKIE, value, max_age=KEPT_S, httponly=True, samesite="strict", secure=secure)


def notice_left(cookies: Mapping[str, str]) -> Notice | None:
    """The notice that the page before left; None when there is none, or somebody tampered with it."""
    value = cookies.get(COOKIE, "")
    if not _FORM.match(value):
        return None
    kind, *about = value.split(".")
    return Notice(kind, tuple(about))
