"""A referral's history read inside the transaction that is about to add to it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Table, select

from services.referral.decider import REFERRAL, referral_stream
from services.referral.states import NoReferral, Referral, Standing
from shared.envelope import decode
from shared.events.referral import COORDINATOR
from shared.log import log
from shared.log.tables import PartitionRow

_PARTITIONS: Table = PartitionRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Where a referral stands. `story` = the event that began what it belongs to; None for one that does not exist."""

    referral_id: str
    state: Referral
    version: int
    story: str | None

    @property
    def queue(self) -> str | None:
        """Whose queue it is in."""
        match self.state:
            case Standing(handed):
                return handed.partner
            case NoReferral():
                return None
        return COORDINATOR


def load(connection: Connection, referral_id: str) -> Loaded:
    """The referral as this transaction sees it."""
    sql = "SELECT entry FROM events WHERE stream = :stream ORDER BY version"
    history = [decode(entry) for (entry,) in log.select(connection, sql, stream=referral_stream(referral_id))]
    state = REFERRAL.fold(envelope.event for envelope in history)  # type: ignore[misc]
    return Loaded(referral_id, state, len(history), history[0].correlation_id if history else None)


def lock_heads(connection: Connection, partitions: Iterable[int]) -> None:
    """Let no other process append to these partitions before this transaction has ended."""
    # In one order for everybody: no deadlock. SQLite has one writer, and locks nothing here.
    query = select(_PARTITIONS.c.partition).where(_PARTITIONS.c.partition.in_(list(partitions)))
    connection.execute(query.order_by(_PARTITIONS.c.partition).with_for_update())
