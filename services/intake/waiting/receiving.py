"""Whoever waits is received by the visit that is recorded for them, in the transaction of that visit."""

from dataclasses import replace
from datetime import datetime

from services.intake.commands import RecordVisit
from services.intake.waiting.room import ROOM, ReceiveVisitor, Waiting, room_stream
from shared.execute import Context, state_of
from shared.log import Append, Log, partition_of


async def receiving(log: Log, command: RecordVisit, context: Context) -> list[Append]:
    """The append by which whoever waited for this visit is received at its moment; none if they do not wait.

    Of another site or another day, a visit's moment says nothing of how long somebody waited: it receives nobody.
    """
    if command.arrival_id is None:
        return []
    stream = room_stream(command.site, context.occurred_at[:10])
    history = await log.read(stream)
    room = state_of(ROOM, history)
    arrival = room.arrivals.get(command.arrival_id)
    if not isinstance(arrival, Waiting):
        return []
    # By the clock of a desk that is slow, they would be received before they came.
    at = max(arrival.arrived_at, context.occurred_at, key=datetime.fromisoformat)
    events = ROOM.decide(ReceiveVisitor(arrival.arrival_id, at, arrival.version), room)
    partition = partition_of(stream, log.partitions)
    own = replace(context, occurred_at=at, partition=partition, tag=arrival.arrival_id, answer=None)
    return [own.append(stream, events, len(history), history[0].correlation_id)]
