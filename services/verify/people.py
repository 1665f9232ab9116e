"""Collective actions read again, and different people counted again: who was where, and which ids are one somebody.

The service asks its tables who belongs together each time that something changes; here all ties that are standing at
the end are drawn once, and every presence is held against the table's row, its owner included.
"""

import sqlite3
from typing import NamedTuple

from services.verify import different
from services.verify.checks import Check, reading
from services.verify.collective import ACTION_VOIDED, CAME, UNMERGED, Attached, Came, Held, Joined, Righted
from services.verify.documents import Document, Fact, Handed, Visit
from services.verify.stores import Store

_ROWS_AT_A_TIME = 5_000
_KEY = "figure, dimension, day, site, value, who"


class _Somebody(NamedTuple):
    known_as: str
    is_person: bool


class _Action:
    """An action as its history leaves it."""

    def __init__(self, held: Held) -> None:
        self.held, self.headcount = held, held.headcount
        self.named: list[_Somebody] = []


class People:
    """Actions in the order of the log, and everybody's presences as far as stats has heard."""

    def __init__(self, scratch: sqlite3.Connection) -> None:
        self._scratch = scratch
        self._actions: dict[str, _Action] = {}
        self._held = 0
        self._kept: dict[str, str] = {}
        self._persons: dict[str, str] = {}
        self._rows: list[tuple[str, str, str, str, str, str, bool, int]] = []
        self.check = Check("collective_actions")
        scratch.execute(
            "CREATE TABLE counted (figure TEXT, dimension TEXT, day TEXT, site TEXT, value TEXT, who TEXT,"
            " person INTEGER, step INTEGER)"
        )

    def visited(self, day: str, visit: Visit, step: int) -> None:
        """A visit counts, or counts no more."""
        self._count("people", "total", "", visit.site, day, _Somebody(visit.case_id, is_person=False), step)

    def referred(self, made: Handed) -> None:
        """A referral counts for its partner."""
        who = _Somebody(made.case_id, is_person=False)
        self._count("people", "partner", made.partner, made.site, made.day, who, 1)

    def take(self, document: Document, fact: Fact | None, *, is_counted: bool) -> list[tuple[Held, int, int]]:
        """Take one event in; (action, sessions, heads) for each that the counters move by. `is_counted`: by stats."""
        match fact:
            case Held():
                self._actions[document.subject] = _Action(fact)
                self._held += 1
                if fact.held_at != document.time:
                    self.check.fault(f"{document.subject} was held at another time than its event says")
                return [(fact, 1, fact.headcount)] if is_counted else []
            case Righted() if is_counted or document.subject in self._actions:
                return self._righted(document, fact, is_counted=is_counted)
            case Came():
                self._came(document, fact, is_counted=is_counted)
            case Attached() if is_counted:
                self._persons[fact.case_id] = fact.person_id
            # Told twice; what a case is read as a part of, its own stream says.
            case Joined() if is_counted and document.subject == f"case-{fact.absorbed}":
                if document.type == UNMERGED:
                    self._kept.pop(fact.absorbed, None)
                else:
                    self._kept[fact.absorbed] = fact.kept
        return []

    def _righted(self, document: Document, fact: Righted, *, is_counted: bool) -> list[tuple[Held, int, int]]:
        action = self._actions.get(document.subject)
        if action is None or action.headcount != fact.was.headcount or _said(action.held) != _said(fact.was):
            self.check.fault(f"{document.subject} is put right from what it never was")
            return []
        before = action.headcount
        if document.type == ACTION_VOIDED:
            named = [_Somebody(one, is_person=False) for one in fact.cases]
            named += [_Somebody(one, is_person=True) for one in fact.people]
            if sorted(named) != sorted(action.named):
                self.check.fault(f"{document.subject} is voided with others than were named there")
            if is_counted:
                for who in action.named:
                    self._participates(action.held, who, -1)
            del self._actions[document.subject]
            return [(action.held, -1, -before)] if is_counted else []
        action.headcount = fact.headcount or 0
        if action.headcount < len(action.named):
            self.check.fault(f"{document.subject} names more people than were there")
        return [(action.held, 0, action.headcount - before)] if is_counted else []

    def _came(self, document: Document, fact: Came, *, is_counted: bool) -> None:
        action = self._actions.get(document.subject)
        who = _Somebody(fact.tag, fact.person_id is not None)
        if action is None:
            self.check.fault(f"{document.subject} names somebody, and never was")
            return
        held = action.held
        said = (fact.action_id, fact.site, fact.kind, fact.category, fact.held_on, tuple(fact.partners))
        if said != (held.action_id, held.site, held.kind, held.category, held.day, held.partners):
            self.check.fault(f"{document.subject} is told otherwise where somebody is named")
        if document.type == CAME:
            if who in action.named or len(action.named) >= action.headcount:
                self.check.fault(f"{document.subject} names somebody twice, or more people than were there")
            action.named.append(who)
        elif who in action.named:
            action.named.remove(who)
        else:
            self.check.fault(f"{document.subject} takes somebody off who was not named")
        if is_counted:
            self._participates(held, who, 1 if document.type == CAME else -1)

    def _participates(self, held: Held, who: _Somebody, step: int) -> None:
        for dimension, value in divided(held):
            self._count("participants", dimension, value, held.site, held.day, who, step)

    def _count(self, figure: str, dimension: str, value: str, site: str, day: str, who: _Somebody, step: int) -> None:
        self._rows.append((figure, dimension, day, site, value, *who, step))
        if len(self._rows) >= _ROWS_AT_A_TIME:
            self._write()

    def _write(self) -> None:
        self._scratch.executemany("INSERT INTO counted VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._rows)
        self._rows.clear()

    def compare(self, store: Store) -> list[Check]:
        """The check of the actions, and the tables of stats held against what was counted here."""
        self._write()
        self.check.seen = f"{self._held:,} actions, nobody named twice"
        check, scratch, counts = Check("people"), self._scratch, 0
        known = self._families()
        scratch.execute("CREATE TABLE known (who TEXT PRIMARY KEY, kept TEXT, person TEXT, root TEXT, named INTEGER)")
        ties = [(who, self._kept.get(who), self._persons.get(who), *owner) for who, owner in known.items()]
        scratch.executemany("INSERT INTO known VALUES (?, ?, ?, ?, ?)", ties)
        scratch.execute(
            f"CREATE TABLE right AS SELECT {_KEY}, coalesce(root, who) AS root,"
            " coalesce(named, max(counted.person)) AS named, sum(step) AS count"
            f" FROM counted LEFT JOIN known USING (who) GROUP BY {_KEY} HAVING sum(step) <> 0"
        )
        scratch.execute(f"CREATE TABLE kept ({_KEY}, root, named, count)")
        scratch.execute("CREATE TABLE kept_ties (who, kept, person, root, named)")
        with reading(check):
            presences = store.rows(f"SELECT {_KEY}, root, named, count FROM presences")
            scratch.executemany("INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", presences)
            tied = store.rows("SELECT who, kept, person, root, named FROM case_ties")
            scratch.executemany("INSERT INTO kept_ties VALUES (?, ?, ?, ?, ?)", tied)
            self._differ(check)
            counts = different.compare(scratch, store, check)
        (rows,) = scratch.execute("SELECT count(*) FROM right").fetchone()
        check.seen = (
            f"{rows:,} presences, {len(known):,} ids that belong together, {counts:,} counts, as counted from the logs"
        )
        return [self.check, check]

    def _differ(self, check: Check) -> None:
        for one, other, words in (
            ("right", "kept", "{figure} of {value}, {day} at {site}: {who} is not kept as counted"),
            ("kept", "right", "{figure} of {value}, {day} at {site}: {who} is kept otherwise than counted"),
        ):
            sql = f"SELECT * FROM (SELECT * FROM {one} EXCEPT SELECT * FROM {other})"
            for figure, _dimension, day, site, value, who, *_ in self._scratch.execute(sql):
                check.fault(words.format(figure=figure, value=value or "all", day=day, site=site, who=who))
        for one, other in (("known", "kept_ties"), ("kept_ties", "known")):
            for who, *_ in self._scratch.execute(f"SELECT * FROM {one} EXCEPT SELECT * FROM {other}"):
                check.fault(f"{who} is tied otherwise than the log says")

    def _families(self) -> dict[str, tuple[str, bool]]:
        """Who each tied id is: the least of the people in its family, else the least of its cases."""
        leader: dict[str, str] = {}

        def lead(one: str) -> str:
            while (other := leader.setdefault(one, one)) != one:
                leader[one] = leader[other]
                one = other
            return one

        for one, other in (*self._kept.items(), *self._persons.items()):
            leader[lead(one)] = lead(other)
        members: dict[str, list[str]] = {}
        for one in list(leader):
            members.setdefault(lead(one), []).append(one)
        people = set(self._persons.values())
        found: dict[str, tuple[str, bool]] = {}
        for family in members.values():
            named = [one for one in family if one in people]
            found |= dict.fromkeys(family, (min(named or family), bool(named)))
        return found


def divided(held: Held) -> list[tuple[str, str]]:
    """What an action is counted under: (dimension, value)."""
    return [
        ("total", ""),
        ("kind", held.kind),
        ("category", held.category),
        *(("partner", partner) for partner in held.partners),
    ]


def _said(held: Held) -> tuple[object, ...]:
    """What an action is, but for its headcount."""
    return (held.action_id, held.site, held.held_at, held.kind, held.category, held.topic, held.leaders, held.speakers)
