"""The waiting room and the invitations, read again: numbers without a gap, nobody received twice, links that lead.

What was taken back is held to what stood there, and to the visit that it was taken back with. What somebody waited is
reckoned here from when the two events happened, not taken from what the second says.
"""

import sqlite3
from datetime import datetime
from typing import NamedTuple

from services.verify.checks import Check
from services.verify.documents import Corrected, Document, Fact, Visit
from services.verify.figures import Recount
from services.verify.waiting import ARRIVAL_UNDONE, ARRIVED, CALLED, GIVEN, USED, Arrival, Invited

_ROWS_AT_A_TIME = 5_000
_FAULTS = (
    (
        "visit {} is said to be for arrival {}, which is none",
        (
            "SELECT a.visit, a.id FROM mentioned a WHERE kind = 'arrival' AND NOT made"
            " AND NOT EXISTS (SELECT 1 FROM mentioned b WHERE b.kind = a.kind AND b.id = a.id AND b.made)"
        ),
    ),
    (
        "visit {} is said to have given invitation {}, which was not given there",
        (
            "SELECT a.visit, a.id FROM mentioned a WHERE kind = 'invitation' AND NOT made AND NOT EXISTS"
            " (SELECT 1 FROM mentioned b WHERE b.kind = a.kind AND b.id = a.id AND b.made AND b.visit = a.visit)"
        ),
    ),
    (
        "visit {} gave invitation {}, and says nothing of it",
        (
            "SELECT a.visit, a.id FROM mentioned a WHERE kind = 'invitation' AND made"
            " AND NOT EXISTS (SELECT 1 FROM mentioned b WHERE b.kind = a.kind AND b.id = a.id AND NOT b.made)"
        ),
    ),
)


class _Open(NamedTuple):
    """Somebody who waits, or a family that has not come: when it began, where, and (of a family) at which visit."""

    at: str
    site: str
    visit_id: str = ""


class _Ended(NamedTuple):
    """Somebody who was received, or left."""

    at: str
    site: str
    status: str
    minutes: int


class FrontDesk:
    """What intake says besides visits and cases, taken in the order of the log."""

    def __init__(self, scratch: sqlite3.Connection, recount: Recount) -> None:
        self._scratch, self._recount = scratch, recount
        self._check = Check("front_desk")
        self._tickets: dict[str, int] = {}
        self._waiting: dict[str, _Open] = {}
        self._invited: dict[str, _Open] = {}
        self._ended: list[tuple[str, str, str, str, int]] = []
        self._mentions: list[tuple[str, str, str, bool]] = []
        # What the last correction of a visit says of its invitation, and the tickets that voided visits had.
        self._said: dict[str, str | None] = {}
        self._voided: set[str | None] = set()
        self._taken_back: list[str] = []
        self._arrivals = self._invitations = 0
        scratch.execute("CREATE TABLE mentioned (kind TEXT, id TEXT, visit TEXT, made INTEGER)")
        scratch.execute("CREATE TABLE ended (id TEXT PRIMARY KEY, at TEXT, site TEXT, status TEXT, minutes INTEGER)")

    def take(self, document: Document, fact: Fact | None, *, is_counted: bool) -> None:
        """Take one event in. `is_counted`: stats has heard it."""
        match fact:
            case Visit(visit_id=visit_id, arrival_id=arrival_id, invitation=invitation):
                for kind, named in (("arrival", arrival_id), ("invitation", invitation)):
                    if named:
                        self._mention(kind, named, visit_id, made=False)
            case Corrected(was=was, now=now):
                self._said[was.visit_id] = now.invitation if now else None
                if now is None:
                    self._voided.add(was.arrival_id)
                elif now.invitation:
                    self._mention("invitation", now.invitation, now.visit_id, made=False)
            case Arrival():
                self._arrival(document, fact, is_counted=is_counted)
            case Invited():
                self._invitation(document, fact, is_counted=is_counted)

    def compare(self) -> Check:
        """Hold what visits say against what there is."""
        self._write()
        self._scratch.execute("CREATE INDEX mentioned_by_id ON mentioned (kind, id)")
        for words, sql in _FAULTS:
            for found in self._scratch.execute(sql):
                self._check.fault(words.format(*found))
        for code, given in self._invited.items():
            if self._said.get(given.visit_id, code) != code:
                self._check.fault(f"visit {given.visit_id} gives no invitation by now, and {code} is still good")
        for arrival_id in self._taken_back:
            if arrival_id not in self._voided:
                self._check.fault(f"arrival {arrival_id} was taken back with a visit, and none of it was voided")
        self._check.seen = (
            f"{self._arrivals:,} arrivals in {len(self._tickets):,} rooms, {self._invitations:,} invitations"
        )
        return self._check

    def _arrival(self, document: Document, fact: Arrival, *, is_counted: bool) -> None:
        if document.type == ARRIVED:
            self._arrivals += 1
            self._came(document, fact)
            if is_counted:
                self._recount.moved("arrivals", document.day, fact.site, None, "waiting")
            return
        if document.type == ARRIVAL_UNDONE:
            self._undone(document, fact, is_counted=is_counted)
            return
        came = self._waiting.pop(fact.arrival_id, None)
        if came is None:
            self._check.fault(f"{document.subject}: arrival {fact.arrival_id} waited no more, and ends all the same")
            return
        minutes = _minutes(came.at, document.time)
        if (fact.waited_min, fact.arrived_on, fact.site) != (minutes, came.at[:10], came.site):
            self._check.fault(f"{document.subject}: arrival {fact.arrival_id} is told to have waited otherwise")
        becomes = "received" if document.type == CALLED else "left"
        self._ended.append((fact.arrival_id, came.at, came.site, becomes, minutes))
        if is_counted:
            self._recount.moved("arrivals", came.at[:10], came.site, "waiting", becomes)
            self._recount.waited(came.at[:10], came.site, becomes, minutes)

    def _undone(self, document: Document, fact: Arrival, *, is_counted: bool) -> None:
        open_one = self._waiting.pop(fact.arrival_id, None)
        ended = None if open_one else self._take_ended(fact.arrival_id)
        stood = open_one or ended
        if stood is None:
            self._check.fault(f"{document.subject}: arrival {fact.arrival_id} is undone, and there was none")
            return
        was, minutes = (ended.status, ended.minutes) if ended else ("waiting", None)
        may_become = ("waiting", "void") if ended else ("void",)
        if (fact.was, fact.waited_min, fact.arrived_on, fact.site) != (was, minutes, stood.at[:10], stood.site):
            self._check.fault(f"{document.subject}: arrival {fact.arrival_id} is undone from what it never was")
        if fact.becomes not in may_become:
            self._check.fault(f"{document.subject}: arrival {fact.arrival_id} was {was}, and becomes {fact.becomes}")
        if fact.because == "visit_voided":
            self._taken_back.append(fact.arrival_id)
        becomes = "waiting" if fact.becomes == "waiting" else None
        if becomes:
            self._waiting[fact.arrival_id] = _Open(stood.at, stood.site)
        if is_counted:
            self._recount.moved("arrivals", stood.at[:10], stood.site, was, becomes)
            if minutes is not None:
                self._recount.waited(stood.at[:10], stood.site, was, minutes, -1)

    def _take_ended(self, arrival_id: str) -> _Ended | None:
        self._write()
        sql = "DELETE FROM ended WHERE id = ? RETURNING at, site, status, minutes"
        found = self._scratch.execute(sql, (arrival_id,)).fetchall()
        return _Ended(*found[0]) if found else None

    def _came(self, document: Document, fact: Arrival) -> None:
        room = document.subject
        self._tickets[room] = self._tickets.get(room, 0) + 1
        self._mention("arrival", fact.arrival_id, "", made=True)
        if fact.ticket != self._tickets[room]:
            self._check.fault(f"{room}: number {fact.ticket} where {self._tickets[room]} comes next")
        if room != f"waiting-{fact.site}-{document.day}" or fact.arrived_at != document.time:
            self._check.fault(f"{room}: number {fact.ticket} came to another room, or at another time")
        if fact.arrival_id in self._waiting:
            self._check.fault(f"{room}: arrival {fact.arrival_id} came twice")
        self._waiting[fact.arrival_id] = _Open(document.time, fact.site)

    def _invitation(self, document: Document, fact: Invited, *, is_counted: bool) -> None:
        if document.type == GIVEN:
            self._invitations += 1
            self._mention("invitation", fact.invitation, fact.visit_id, made=True)
            if fact.invitation in self._invited:
                self._check.fault(f"{document.subject} was given twice")
            self._invited[fact.invitation] = _Open(document.time, fact.site, fact.visit_id)
            if is_counted:
                self._recount.moved("invitations", document.day, fact.site, None, "given")
            return
        given = self._invited.pop(fact.invitation, None)
        if given is None or (fact.given_on, fact.site) != (given.at[:10], given.site):
            self._check.fault(f"{document.subject} was used or withdrawn, and not given so, or used before")
        if given is not None and is_counted:
            becomes = "used" if document.type == USED else None
            self._recount.moved("invitations", given.at[:10], given.site, "given", becomes)

    def _mention(self, kind: str, named: str, visit_id: str, *, made: bool) -> None:
        self._mentions.append((kind, named, visit_id, made))
        if len(self._mentions) + len(self._ended) >= _ROWS_AT_A_TIME:
            self._write()

    def _write(self) -> None:
        self._scratch.executemany("INSERT INTO mentioned VALUES (?, ?, ?, ?)", self._mentions)
        self._scratch.executemany("INSERT OR REPLACE INTO ended VALUES (?, ?, ?, ?, ?)", self._ended)
        self._mentions.clear()
        self._ended.clear()


def _minutes(earlier: str, later: str) -> int:
    waited = datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
    return max(0, int(waited.total_seconds()) // 60)
