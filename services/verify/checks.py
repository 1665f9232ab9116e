"""What an audit looks at, one by one, and what each look found."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

FAULTS_TOLD = 3
"""Faults written out in a detail; the others are counted."""


class Check:
    """One check. It is well until a fault is told; `seen` says what was looked at when all is well."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen = ""
        self._faults = 0
        self._told: list[str] = []

    @property
    def ok(self) -> bool:
        """Nothing wrong was found."""
        return not self._faults

    def fault(self, what: str) -> None:
        """Tell of something wrong."""
        self._faults += 1
        if len(self._told) < FAULTS_TOLD:
            self._told.append(what)

    def document(self) -> dict[str, Any]:
        """`{"name", "ok", "detail"}`."""
        return {"name": self.name, "ok": self.ok, "detail": self._detail()}

    def _detail(self) -> str:
        if self.ok:
            return self.seen
        others = self._faults - len(self._told)
        return "; ".join([*self._told, f"and {others:,} more"] if others else self._told)


@contextmanager
def reading(*checks: Check) -> Iterator[None]:
    """A table that cannot be read is a finding of the checks that stand on it, not the end of the audit."""
    try:
        yield
    except (sqlite3.DatabaseError, psycopg.DatabaseError) as error:
        for check in checks:
            check.fault(f"cannot be read: {' '.join(str(error).split())}")
