"""What becomes of one request is one chain: each referral that others had before it follows exactly one of them.

Referrals are told in the order of their names, so the two sides of a link come together in the scratch database.
"""

import json
import sqlite3

from services.verify.checks import Check
from services.verify.folding import Referral

_ROWS_AT_A_TIME = 5_000
_TABLES = """
CREATE TABLE links (parent TEXT, child TEXT, why TEXT);
CREATE TABLE nodes (
    id TEXT PRIMARY KEY, request TEXT, replaces TEXT, beside INTEGER, siblings TEXT, is_need INTEGER, is_open INTEGER,
    is_touched INTEGER
);
"""
_FAULTS = (
    (
        "{} is said to follow {}, which was not given on to it",
        (
            "SELECT n.id, n.replaces FROM nodes n WHERE n.replaces IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM links l WHERE l.parent = n.replaces AND l.child = n.id)"
        ),
    ),
    (
        "{} was given on to {}, which does not follow it",
        (
            "SELECT l.parent, l.child FROM links l LEFT JOIN nodes n ON n.id = l.child"
            " JOIN nodes p ON p.id = l.parent WHERE n.id IS NULL OR n.request <> p.request"
            " OR (n.replaces IS NOT l.parent AND l.why <> 'settled')"
        ),
    ),
    (
        "{} took the place of {} more than once",
        "SELECT child, parent FROM links WHERE why <> 'settled' GROUP BY child, parent HAVING count(*) > 1",
    ),
    (
        "{} stands beside {}, which does not stand beside it",
        (
            "SELECT a.id, s.value FROM nodes a, json_each(a.siblings) s LEFT JOIN nodes b ON b.id = s.value"
            " WHERE a.siblings <> '[]' AND (b.id IS NULL OR b.request <> a.request"
            " OR NOT EXISTS (SELECT 1 FROM json_each(b.siblings) t WHERE t.value = a.id))"
        ),
    ),
    (
        "{} stands beside nobody of request {}",
        "SELECT id, request FROM nodes WHERE beside AND siblings = '[]'",
    ),
    (
        "{} is an unmet need, while {} has its request",
        (
            "SELECT n.id, o.id FROM nodes n JOIN nodes o ON o.request = n.request AND o.id <> n.id"
            " WHERE n.is_need AND n.is_open AND o.is_open AND (NOT o.is_need OR o.id > n.id)"
        ),
    ),
    (
        "{} has its request untouched, and {}, which it followed, has it as well",
        (
            "WITH RECURSIVE before (id, ancestor) AS ("
            " SELECT n.id, n.replaces FROM nodes n JOIN links l ON l.child = n.id AND l.parent = n.replaces"
            " WHERE n.is_open AND NOT n.is_need AND NOT n.is_touched AND "
            " l.why IN ('declined', 'expired', 'withdrawn', 'move-undone')"
            " UNION SELECT b.id, n.replaces FROM before b JOIN nodes n ON n.id = b.ancestor"
            " WHERE n.replaces IS NOT NULL)"
            " SELECT b.id, n.id FROM before b JOIN nodes n ON n.id = b.ancestor WHERE n.is_open"
        ),
    ),
)
"""What is said of a fault, and the two names that a query finds for it."""


class Chains:
    """Every referral and need with what it follows, and what it was given on to."""

    def __init__(self, scratch: sqlite3.Connection) -> None:
        self._scratch = scratch
        self._nodes: list[tuple[str | int | None, ...]] = []
        self._links: list[tuple[str, str, str]] = []
        self._count = 0
        scratch.executescript(_TABLES)

    def take(self, referral: Referral) -> None:
        """One referral, as its whole history has left it."""
        made = referral.handed
        self._count += 1
        self._nodes.append(
            (
                referral.referral_id,
                made.request_id,
                made.replaces,
                int(made.beside),
                json.dumps(made.siblings),
                int(referral.unmet),
                int(referral.is_open),
                int(referral.is_touched),
            )
        )
        self._links += [(referral.referral_id, child, why) for child, why in referral.followers]
        if len(self._nodes) >= _ROWS_AT_A_TIME:
            self._write()

    def compare(self) -> Check:
        """Bring all of them together."""
        check = Check("chains")
        self._write()
        # Few referrals are given on; without these, each would be sought among all.
        self._scratch.execute("CREATE INDEX links_by_parent ON links (parent, child)")
        self._scratch.execute("CREATE INDEX links_by_child ON links (child)")
        self._scratch.execute("CREATE INDEX open_by_request ON nodes (request) WHERE is_open")
        for words, query in _FAULTS:
            for names in self._scratch.execute(query):
                check.fault(words.format(*names))
        (links,) = self._scratch.execute("SELECT count(*) FROM links").fetchone()
        check.seen = f"{self._count:,} referrals, {links:,} given on, each to one that follows it"
        return check

    def _write(self) -> None:
        self._scratch.executemany("INSERT OR REPLACE INTO nodes VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._nodes)
        self._scratch.executemany("INSERT INTO links VALUES (?, ?, ?)", self._links)
        self._nodes.clear()
        self._links.clear()
