"""A referral's history read inside the transaction that is about to add to it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Table, select

from services.referral.decider import REFERRAL, referral_stream
from services.referral.requests import Request, dated, handed_of, request_stream, told
from services.referral.states import NoReferral, Referral, Standing
from shared.envelope import Envelope, decode
from shared.events.referral import COORDINATOR
from shared.log import log
from shared.log.tables import PartitionRow

_PARTITIONS: Table = PartitionRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Where a referral stands. `story` = the event that began what it belongs to; None for one that does not exist.

    `is_dropped`: the desk took the request itself back, so that nothing of it can go on.
    """

    referral_id: str
    state: Referral
    version: int
    story: str | None
    is_dropped: bool = False

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
    history = _history(connection, referral_stream(referral_id))
    state = REFERRAL.fold(envelope.event for envelope in history)  # type: ignore[misc]
    handed = handed_of(state)
    request = load_request(connection, handed.request_id)[0] if handed else Request()
    if request.requested_on is not None:
        state = dated(state, request.requested_on)
    story = history[0].correlation_id if history else None
    return Loaded(referral_id, state, len(history), story, request.is_dropped)


def load_request(connection: Connection, request_id: str) -> tuple[Request, int]:
    """What was told of a request itself, as this transaction sees it, and the version of its stream."""
    history = _history(connection, request_stream(request_id))
    return told(envelope.event for envelope in history), len(history)


def _history(connection: Connection, stream: str) -> list[Envelope]:
    sql = "SELECT entry FROM events WHERE stream = :stream ORDER BY version"
    return [decode(entry) for (entry,) in log.select(connection, sql, stream=stream)]


def lock_heads(connection: Connection, partitions: Iterable[int]) -> None:
    """Let no other process append to these partitions before this transaction has ended."""
    # In one order for everybody: no deadlock. SQLite has one writer, and locks nothing here.
    query = select(_PARTITIONS.c.partition).where(_PARTITIONS.c.partition.in_(list(partitions)))
    connection.execute(query.order_by(_PARTITIONS.c.partition).with_for_update())
