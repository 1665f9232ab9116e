"""What requests ask of the stores: heard where a statement leaves for the database, and no sooner."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event

from shared.access.acting import acting
from shared.database import Database, Work

Trip = tuple[str, tuple[str, ...]]
"""One way to a store and back: reading or writing, and its statements without what they were asked with."""


@contextmanager
def heard(monkeypatch: pytest.MonkeyPatch, partner: str) -> Iterator[list[Trip]]:
    """The trips that requests of this partner cause in the services of this process, in their order."""
    trips: list[Trip] = []

    def listening(how: str, work: Work[Any]) -> Work[Any]:
        def listened(connection: Connection) -> Any:
            statements: list[str] = []

            def hear(_connection: Any, _cursor: Any, statement: str, *_more: object) -> None:
                statements.append(statement)

            event.listen(connection, "before_cursor_execute", hear)
            try:
                return work(connection)
            finally:
                event.remove(connection, "before_cursor_execute", hear)
                trips.append((how, tuple(statements)))

        return listened

    def by(how: str, original: Callable[..., Any]) -> Callable[..., Any]:
        async def going(database: Database, work: Work[Any]) -> Any:
            who = acting()
            return await original(database, listening(how, work) if who and who.partner == partner else work)

        return going

    with monkeypatch.context() as patched:
        patched.setattr(Database, "read", by("read", Database.read))
        patched.setattr(Database, "write", by("write", Database.write))
        yield trips
