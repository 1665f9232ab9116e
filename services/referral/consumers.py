"""What referral hears: the topic of `intake`. Events, queue rows and checkpoint are written in one transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection

from services.referral.handlers import hand_over
from services.referral.reactions import HEARD, react
from shared.catalogue import Catalogue
from shared.envelope import Envelope, UnknownEvent, type_name
from shared.events import EVENT_TYPES, IntakeEvent
from shared.log import Append, Log
from shared.log.writing import Written
from shared.subscription import Effects, Topic


class _HandedOver:
    """Referrals appended. One that exists already is passed over: a replayed cause names it again."""

    def __init__(self, log: Log, appends: Sequence[Append]) -> None:
        self._log, self._appends = log, appends
        self._written: Written | None = None

    def apply(self, connection: Connection) -> None:
        self._written = self._log.append_within(connection, self._appends) if self._appends else None

    def committed(self) -> None:
        if self._written:
            self._log.announce(self._written)


def intake_topic(log: Log, catalogue: Catalogue, partitions: int) -> Topic:
    """The topic heard, and what follows."""
    heard_name = type_name(HEARD)

    def follow(batch: Sequence[Envelope]) -> Effects:
        appends: list[Append] = []
        for envelope in batch:
            if envelope.type == HEARD:
                appends += [hand_over(command, envelope, log.partitions) for command in react(envelope, catalogue)]
            elif envelope.type not in EVENT_TYPES and type_name(envelope.type) == heard_name:
                raise UnknownEvent(f"{envelope.type} is of a schema version that this release cannot read")
        return _HandedOver(log, appends)

    return Topic("intake", partitions, follow, IntakeEvent)
