"""Every request that needs a partner was handed over exactly once, and no other request was.

Both logs are gone through in their own order; a scratch database, gone with the audit, brings the two sides of a
request together, so that no set of all requests has to be held in memory.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from services.verify.checks import Check
from services.verify.documents import Handed, Visit

_ROWS_AT_A_TIME = 5_000

_Mention = tuple[str, int, int, int, str | None]
"""request id, made, needs handing over, handed over, what is said of it."""


class Requests:
    """Requests as they were made and as they were handed over."""

    def __init__(self, scratch: sqlite3.Connection, days: Mapping[str, Sequence[str]]) -> None:
        self._days_of = days
        self._scratch = scratch
        self._mentions: list[_Mention] = []
        self._handed = 0
        scratch.execute("CREATE TABLE mentions (request TEXT, made INTEGER, needs INTEGER, handed INTEGER, said TEXT)")

    def made(self, day: str, visit: Visit, *, is_heard: bool) -> None:
        """A visit was recorded. `is_heard`: referral has taken it in, so its open requests must be handed over."""
        for request in visit.requests:
            needs = is_heard and not request.answered
            said = "|".join((visit.visit_id, visit.case_id, visit.site, request.category, request.topic or "", day))
            self._add((request.request_id, 1, int(needs), 0, said if needs else None))

    def handed(self, handed: Handed) -> None:
        """A request was handed over, or found to be nobody's; what follows later, or stands beside, is no other one."""
        self._handed += handed.is_first
        # What follows after its visit was moved to another day names that one.
        days = self._days_of.get(handed.request_id, ())
        day = days[0] if handed.requested in days else handed.requested
        said = "|".join((handed.visit_id, handed.case_id, handed.site, handed.category, handed.topic or "", day))
        self._add((handed.request_id, 0, 0, int(handed.is_first), said))

    def compare(self) -> Check:
        """Bring both sides together."""
        check = Check("referrals")
        self._write()
        for request, made, needs, handed, differs in self._scratch.execute(
            "SELECT request, sum(made), sum(needs), sum(handed), min(said) <> max(said) FROM mentions GROUP BY request"
            " HAVING sum(made) <> 1 OR sum(needs) <> sum(handed) OR min(said) <> max(said) ORDER BY request"
        ):
            check.fault(_finding(request, made, needs, handed, bool(differs)))
        check.seen = f"{self._handed:,} requests handed over, each once"
        return check

    def _add(self, mention: _Mention) -> None:
        self._mentions.append(mention)
        if len(self._mentions) >= _ROWS_AT_A_TIME:
            self._write()

    def _write(self) -> None:
        self._scratch.executemany("INSERT INTO mentions VALUES (?, ?, ?, ?, ?)", self._mentions)
        self._mentions.clear()


@contextmanager
def scratch() -> Iterator[sqlite3.Connection]:
    """An empty database that spills to disk when it grows, and is gone when it is closed."""
    connection = sqlite3.connect("")
    try:
        connection.execute("PRAGMA journal_mode=OFF")
        yield connection
    finally:
        connection.close()


def _finding(request: str, made: int, needs: int, handed: int, differs: bool) -> str:
    if not made:
        return f"request {request} was handed over, but no visit made it"
    if made > 1:
        return f"request {request} was made {made} times"
    if handed < needs:
        return f"request {request} was never handed over"
    if handed > needs:
        times = "once" if handed == 1 else f"{handed} times"
        return f"request {request} was handed over {times}, {'once' if needs else 'not at all'} is right"
    assert differs
    return f"request {request} was handed over as something else than was asked for"
