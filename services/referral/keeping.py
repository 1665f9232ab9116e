"""The read models, written where the events are: in the same transaction, or again from the log."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, case, delete, insert, update

from services.referral.projections import Change, Place, changes
from services.referral.tables import Booking, PermanenceCancellation, QueueItem
from shared.catalogue import Catalogue
from shared.envelope import Recorded
from shared.inserting import insert as insert_many

QUEUE_ITEMS: Table = QueueItem.__table__  # type: ignore[attr-defined]
BOOKINGS: Table = Booking.__table__  # type: ignore[attr-defined]
CANCELLATIONS: Table = PermanenceCancellation.__table__  # type: ignore[attr-defined]

Keep = Callable[[Connection, Sequence[Recorded]], None]


class Tables(NamedTuple):
    """The three read models: the live ones, or those that are being rebuilt beside them."""

    queue_items: Table = QUEUE_ITEMS
    bookings: Table = BOOKINGS
    cancellations: Table = CANCELLATIONS


def keeper(catalogue: Catalogue, tables: Tables | None = None) -> Keep:
    """Keeps these tables up with the events of the log."""
    kept = tables or Tables()
    cancel = insert(kept.cancellations)

    def keep(connection: Connection, recorded: Sequence[Recorded]) -> None:
        found = changes(recorded, catalogue)
        if found.added:
            columns = tuple(found.added[0])
            insert_many(connection, kept.queue_items.name, columns, list(map(itemgetter(*columns), found.added)))
        for change in found.moved:
            _change(connection, kept.queue_items, change)
        for place in found.places:
            _give(connection, kept.bookings, place)
        if found.cancelled:
            connection.execute(cancel, found.cancelled)

    return keep


def _change(connection: Connection, table: Table, change: Change) -> None:
    values: dict[str, Any] = dict(change.columns)
    if change.counts is not None:
        name, passed_by, instead = change.counts
        due = table.c[name.value]
        values[name.value] = values["next_step_at"] = case((due <= passed_by, instead), else_=due)
    connection.execute(update(table).where(table.c.referral_id == change.referral_id).values(values))


def _give(connection: Connection, table: Table, given: Place) -> None:
    connection.execute(delete(table).where(table.c.referral_id == given.referral_id))
    if given.permanence_id is not None:
        connection.execute(insert(table).values(given._asdict()))
