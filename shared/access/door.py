"""Who stands behind a credential: looked up once, remembered for seconds.

What ends a session or a token therefore holds everywhere within `FRESH_S`. Where the lookup fails because intake or
its database is away, whom we know already may go on for `AWAY_S_MAX`; whom we do not know is told to come back.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from shared.access.credentials import Credential
from shared.access.principal import Principal
from shared.clock import utc_now
from shared.web.problems import Problem

FRESH_S = 2.0
AWAY_S_MAX = 300.0
ASK_AGAIN_S = 1.0
"""How long a lookup that failed is left alone where somebody can be let in without it."""
KNOWN_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """Who it is, and until when at most. `shown_as`: how pages greet somebody who signed in, nothing more."""

    principal: Principal
    until: datetime
    shown_as: str = ""


class LookupAway(Exception):
    """Nobody can say now who somebody is."""


Lookup = Callable[[Credential, bool], Awaitable[Known | None]]
"""(credential, whether this is a use of it: looking again at an open stream is none) -> who. Raises `LookupAway`."""


class Door:
    """Remembers whom the lookup knows. One a service."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._known: OrderedDict[bytes, tuple[Known, float]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Known | None]] = {}
        self._away_until = 0.0

    async def who(self, credential: Credential, *, uses: bool = True) -> Principal | None:
        """The principal; None for a credential that is not, or no longer, one. Raises the 503 problem."""
        kept, now = self._known.get(credential.digest), time.monotonic()
        age_s = now - kept[1] if kept else 0.0
        if kept and (age_s < FRESH_S or (now < self._away_until and age_s < AWAY_S_MAX)):
            return _still(kept[0])
        try:
            known = await self._ask(credential, uses)
        except LookupAway:
            self._away_until = time.monotonic() + ASK_AGAIN_S
            if kept and age_s < AWAY_S_MAX:
                return _still(kept[0])
            raise away() from None
        return _still(known) if known else None

    def shown_as(self, digest: bytes) -> str:
        """How pages greet whom we have just let in."""
        kept = self._known.get(digest)
        return kept[0].shown_as if kept else ""

    def forget(self, digest: bytes) -> None:
        """Look it up again: it has just ended here."""
        self._known.pop(digest, None)

    def forget_all(self) -> None:
        """Look everybody up again: an account or a token has just ended here."""
        self._known.clear()

    async def _ask(self, credential: Credential, uses: bool) -> Known | None:
        """One question at a time for one credential, however many requests wait for its answer."""
        asking = self._asking.get(credential.digest)
        if asking is None:
            asking = asyncio.create_task(self._ask_once(credential, uses))
            self._asking[credential.digest] = asking
            asking.add_done_callback(lambda done: self._answered(credential.digest, done))
        return await asyncio.shield(asking)

    def _answered(self, digest: bytes, done: "asyncio.Task[Known | None]") -> None:
        self._asking.pop(digest, None)
        if not done.cancelled():
            # Whoever asked may be gone: then nobody hears of a failure, and that is no failure of ours.
            done.exception()

    async def _ask_once(self, credential: Credential, uses: bool) -> Known | None:
        asked_at = time.monotonic()
        known = await self._lookup(credential, uses)
        self._known.pop(credential.digest, None)
        if known:
            self._known[credential.digest] = (known, asked_at)
            if len(self._known) > KNOWN_MAX:
                self._known.popitem(last=False)
        return known


def _still(known: Known) -> Principal | None:
    return known.principal if utc_now() < known.until else None


def away() -> Problem:
    """The 503 problem of whom nobody can look up now."""
    return Problem(
        503, "sign-in-unavailable", "Nobody can be let in now",
        "Who you are cannot be looked up at the moment. Try again.", headers={"Retry-After": "2"},
    )  # fmt: skip
