"""The queues' read model, written where the events are: in the same transaction, or again from the log."""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Table, bindparam, insert, update

from services.referral.projections import changes
from services.referral.tables import QueueItem
from shared.envelope import Recorded

QUEUE_ITEMS: Table = QueueItem.__table__  # type: ignore[attr-defined]

Keep = Callable[[Connection, Sequence[Recorded]], None]


def keeper(table: Table) -> Keep:
    """Keeps the queues in this table: the live one, or one that is being rebuilt beside it."""
    add = insert(table)
    move = (
        update(table)
        .where(table.c.referral_id == bindparam("moved_id"))
        .values(
            status=bindparam("status"),
            reason=bindparam("reason"),
            outcome=bindparam("outcome"),
            version=bindparam("version"),
        )
    )

    def keep(connection: Connection, recorded: Sequence[Recorded]) -> None:
        found = changes(recorded)
        if found.added:
            connection.execute(add, found.added)
        if found.moved:
            connection.execute(move, found.moved)

    return keep
