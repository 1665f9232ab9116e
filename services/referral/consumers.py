"""What referral hears: the topic of `intake`. Events, queue rows and checkpoint are written in one transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection

from services.referral.commands import DropRequest, RedateRequest
from services.referral.handlers.dropping import taken_back
from services.referral.handlers.loading import lock_heads
from services.referral.handlers.referrals import hand_over
from services.referral.reactions import HEARD, react
from shared.catalogue import Catalogue
from shared.envelope import Envelope, UnknownEvent, type_name
from shared.events import EVENT_TYPES, IntakeEvent
from shared.log import Append, Appended, Log
from shared.log.writing import Written
from shared.subscription import Effects, Topic

_TakeBack = tuple[DropRequest | RedateRequest, Envelope]
_Step = list[Append] | _TakeBack


class _Followed:
    """Referrals appended, and requests taken back, in the order in which that was heard.

    A referral that exists already is passed over: a replayed cause names it again.
    """

    def __init__(self, log: Log, steps: Sequence[_Step]) -> None:
        self._log, self._steps = log, steps
        self._written: list[Written] = []

    def apply(self, connection: Connection) -> None:
        self._written = []
        if any(isinstance(step, tuple) for step in self._steps):
            # What is taken back may lie with anybody; before the first append, so that no two wait for each other.
            lock_heads(connection, range(self._log.partitions))
        for step in self._steps:
            appends = step if isinstance(step, list) else taken_back(connection, *step, self._log.partitions)
            if appends:
                written = self._log.append_within(connection, appends)
                assert isinstance(step, list) or all(isinstance(one, Appended) for one in written.outcomes)
                self._written.append(written)

    def committed(self) -> None:
        for written in self._written:
            self._log.announce(written)


def intake_topic(log: Log, catalogue: Catalogue, partitions: int) -> Topic:
    """The topic heard, and what follows."""
    heard_names = {type_name(event_type) for event_type in HEARD}

    def follow(batch: Sequence[Envelope]) -> Effects:
        steps: list[_Step] = []
        appends: list[Append] = []
        for envelope in batch:
            if envelope.type not in HEARD:
                if envelope.type not in EVENT_TYPES and type_name(envelope.type) in heard_names:
                    raise UnknownEvent(f"{envelope.type} is of a schema version that this release cannot read")
                continue
            for command in react(envelope, catalogue):
                if isinstance(command, DropRequest | RedateRequest):
                    steps += [appends, (command, envelope)]
                    appends = []
                else:
                    appends.append(hand_over(command, envelope, log.partitions))
        return _Followed(log, [*steps, appends])

    return Topic("intake", partitions, follow, IntakeEvent)
