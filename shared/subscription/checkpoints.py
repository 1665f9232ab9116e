"""The checkpoint and the dead letters of one reader of one topic partition, as statements in its transactions."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, insert, select, update

from shared.clock import utc_now
from shared.envelope import timestamp
from shared.subscription.batch import Heard
from shared.subscription.tables import Checkpoint, DeadLetter

_CHECKPOINTS: Table = Checkpoint.__table__  # type: ignore[attr-defined]
_DEAD_LETTERS: Table = DeadLetter.__table__  # type: ignore[attr-defined]


# Built once: with each batch, building it anew would cost as much as carrying it out.
_MOVE = (
    update(_CHECKPOINTS)
    .where(
        _CHECKPOINTS.c.reader == bindparam("at_reader"),
        _CHECKPOINTS.c.topic == bindparam("at_topic"),
        _CHECKPOINTS.c.partition == bindparam("at_partition"),
        _CHECKPOINTS.c.position == bindparam("expected"),
    )
    .values(position=bindparam("finished"))
)


class CheckpointMoved(Exception):
    """Somebody else has moved the checkpoint: a twin of ours was faster. Nothing of ours was kept."""


@dataclass(frozen=True)
class Place:
    """Which reader of which partition of which topic this is."""

    reader: str
    topic: str
    partition: int

    def checkpoint(self, connection: Connection) -> int:
        """The last position finished; 0 for a reader that is new."""
        return connection.execute(select(_CHECKPOINTS.c.position).where(*self._is(_CHECKPOINTS))).scalar() or 0

    def move(self, connection: Connection, expected: int, position: int) -> None:
        """Move the checkpoint, if it still stands where we believe. Raises `CheckpointMoved`."""
        at = {"at_reader": self.reader, "at_topic": self.topic, "at_partition": self.partition}
        moved = connection.execute(_MOVE, {**at, "expected": expected, "finished": position})
        if moved.rowcount == 1:
            return
        if expected != 0 or self.checkpoint(connection) != 0:
            raise CheckpointMoved(f"{self.reader} no longer stands at {expected} of {self.topic}:{self.partition}")
        # The very first step of a new reader. Two twins that take it at once collide on the primary key.
        connection.execute(insert(_CHECKPOINTS).values(**self._values(), position=position))

    def park(self, connection: Connection, heard: Heard, reason: str, tries: int) -> None:
        """Put an event aside, under its position."""
        connection.execute(
            insert(_DEAD_LETTERS).values(
                **self._values(),
                position=heard.position,
                stream=heard.envelope.stream if heard.envelope else None,
                entry=heard.body,
                reason=reason,
                tries=tries,
                parked_at=timestamp(utc_now()),
            )
        )

    def parked_streams(self, connection: Connection) -> set[str]:
        """The streams whose later events have to wait."""
        rows = connection.execute(select(_DEAD_LETTERS.c.stream).where(*self._is(_DEAD_LETTERS)).distinct())
        return {stream for (stream,) in rows if stream is not None}

    def parked(self, connection: Connection, stream: str | None = None) -> list[DeadLetter]:
        """What was put aside, oldest first; of one stream or of all."""
        query = select(_DEAD_LETTERS).where(*self._is(_DEAD_LETTERS)).order_by(_DEAD_LETTERS.c.position)
        if stream is not None:
            query = query.where(_DEAD_LETTERS.c.stream == stream)
        return [DeadLetter(**row._mapping) for row in connection.execute(query)]

    def unpark(self, connection: Connection, position: int) -> None:
        """Take an event out of the dead letters. Raises `CheckpointMoved` when somebody else did so."""
        removed = connection.execute(
            delete(_DEAD_LETTERS).where(*self._is(_DEAD_LETTERS), _DEAD_LETTERS.c.position == position)
        )
        if removed.rowcount != 1:
            raise CheckpointMoved(f"dead letter {position} was handled by somebody else")

    def _is(self, table: Table) -> tuple[ColumnElement[bool], ...]:
        key = table.c
        return (key.reader == self.reader, key.topic == self.topic, key.partition == self.partition)

    def _values(self) -> dict[str, object]:
        return {"reader": self.reader, "topic": self.topic, "partition": self.partition}
