"""A house at rest whose tables and logs a test may change behind its back, to see whether the audit finds it."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import psycopg
from sqlalchemy import make_url

from services.verify import verify
from shared.settings import Settings

Row = tuple[Any, ...]


@dataclass
class SmallHouse:
    """A house at rest, and a way round its rules."""

    settings: Settings

    @property
    def is_sqlite(self) -> bool:
        return not self.settings.database_url

    def tamper(self, service: str, *statements: str) -> None:
        """Change a service's tables behind its back: the guards go first."""
        self.execute(service, *self._unguard(service), *statements)

    def execute(self, service: str, *statements: str) -> list[Row]:
        """Run statements in one transaction; the rows of the last."""
        url = make_url(self.settings.database(service))
        if self.is_sqlite:
            assert url.database
            with closing(sqlite3.connect(url.database)) as connection, connection:
                return [connection.execute(sql).fetchall() for sql in statements][-1]
        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, options=f"-c search_path={service}") as postgres:
            cursors = [postgres.execute(sql.encode()) for sql in statements]
            return cursors[-1].fetchall() if cursors[-1].description else []

    def forge(self, service: str) -> None:
        """Chain a tampered log anew and set its counters, as somebody with all the time in the world would."""
        changes, last = list[str](), dict[int, tuple[int, bytes]]()
        for partition, position, entry in self.execute(
            service, "SELECT partition, position, entry FROM events ORDER BY partition, position"
        ):
            before = last[partition][1] if partition in last else bytes(32)
            last[partition] = position, sha256(before + entry.encode()).digest()
            changes.append(
                f"UPDATE events SET hash = {self._bytes(last[partition][1])}"
                f" WHERE partition = {partition} AND position = {position}"
            )
        changes.append(f"UPDATE partitions SET head = 0, hash = {self._bytes(bytes(32))}")
        changes += [
            f"UPDATE partitions SET head = {position}, hash = {self._bytes(digest)} WHERE partition = {partition}"
            for partition, (position, digest) in last.items()
        ]
        self.tamper(service, *changes)

    def faults(self) -> dict[str, str]:
        """The checks that fail, and what they say."""
        document = asyncio.run(verify(self.settings))
        assert document["ok"] == all(check["ok"] for check in document["checks"])
        return {check["name"]: check["detail"] for check in document["checks"] if not check["ok"]}

    def rewrite(self, kind: str, change: Callable[[Any], object], which: int = 0, *, service: str = "referral") -> None:
        """Change what a log says in one event of a kind (`declined`), and chain the log anew."""
        rows = self.execute(
            service,
            "SELECT partition, position, entry FROM events"
            f" WHERE entry LIKE '%\"{service}.{kind}.v1\"%' ORDER BY partition, position",
        )
        partition, position, entry = rows[which]
        document = json.loads(entry)
        change(document)
        said = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        self.tamper(
            service,
            f"UPDATE events SET entry = '{said}' WHERE partition = {partition} AND position = {position}",
        )
        self.forge(service)

    def last(self, service: str, condition: str = "1 = 1") -> tuple[int, int]:
        """Partition and position of the last event of a partition for which something holds."""
        rows = self.execute(
            service,
            f"SELECT partition, max(position) FROM events WHERE {condition} GROUP BY partition ORDER BY partition DESC",
        )
        return rows[0][0], rows[0][1]

    def _bytes(self, value: bytes) -> str:
        return f"x'{value.hex()}'" if self.is_sqlite else rf"'\x{value.hex()}'"

    def _unguard(self, service: str) -> list[str]:
        if service == "stats":
            return []
        names = ("no_update", "no_delete") if self.is_sqlite else ("no_change", "no_truncate")
        on = "" if self.is_sqlite else " ON events"
        return [f"DROP TRIGGER IF EXISTS events_{name}{on}" for name in names]
