"""A table of referrals as it is, held against what the log's histories fold to: row by row, both in one order."""

from typing import Any

from services.verify.checks import Check, reading
from services.verify.stores import Store

QUEUE_ITEMS = (
    "referral_id", "queue", "position", "request_id", "visit_id", "case_id", "site", "category", "topic", "status",
    "outcome", "reason", "issued_at", "version", "is_open", "queued_at", "chased", "moved_at", "undoable",
    "safe_to_contact", "replaces", "permanence_id", "place", "starts_at",
)  # fmt: skip
VISIT_REFERRALS = (
    "referral_id", "visit_id", "request_id", "partner", "status", "outcome", "reason", "version", "issued_at",
)  # fmt: skip
# A row that is older than the column has no value there until it is rebuilt.
_YOUNGER = {QUEUE_ITEMS.index(name) for name in ("queued_at", "moved_at")}
BOOKINGS = ("referral_id", "permanence_id", "place")
CANCELLATIONS = ("permanence_id", "partner", "cancelled_at")


class ReadModel:
    """Rows of one table, keyed by their first column. `expect` is called in the order of the keys, `end` at last."""

    def __init__(self, store: Store, table: str, columns: tuple[str, ...]) -> None:
        self.check = Check(table)
        self._columns = columns
        self._rows = store.rows(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {columns[0]}{store.by_bytes}")
        self._row: tuple[Any, ...] | None = None
        self._count = 0
        self._begun = False

    def expect(self, expected: tuple[Any, ...]) -> None:
        """The next row that the log accounts for."""
        if not self._begun:
            self._go_on()
        self._pass_over(expected[0])
        if self._row is None or self._row[0] != expected[0]:
            self.check.fault(f"{expected[0]} is missing")
            return
        if tuple(self._row) != expected and (differing := self._differing(expected)):
            self.check.fault(f"{expected[0]} differs from the log in {differing}")
        self._count += 1
        self._go_on()

    def end(self) -> None:
        """No row may be left."""
        if not self._begun:
            self._go_on()
        self._pass_over(None)
        self.check.seen = f"{self._count:,} rows, as the log has them"

    def _pass_over(self, key: str | None) -> None:
        while self._row is not None and (key is None or self._row[0] < key):
            self.check.fault(f"{self._row[0]} is in no log")
            self._go_on()

    def _go_on(self) -> None:
        self._begun, self._row = True, None
        with reading(self.check):
            self._row = next(self._rows, None)

    def _differing(self, expected: tuple[Any, ...]) -> str:
        row = self._row or ()
        younger = _YOUNGER if self._columns is QUEUE_ITEMS else ()
        return ", ".join(
            name
            for number, (name, one, other) in enumerate(zip(self._columns, row, expected, strict=True))
            if one != other and not (one is None and number in younger)
        )
