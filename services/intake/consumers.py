"""What intake hears: the topic of `referral`, and writes down how each request goes on."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, insert, update

from services.intake.projections import Change, change
from services.intake.tables import VISIT_REFERRALS
from shared.envelope import Envelope
from shared.events import ReferralEvent
from shared.subscription import Effects, Topic

_UNSAID = {"outcome": None, "reason": None}


class _Changes:
    """The changes that a batch of events means, made one after the other in one table."""

    def __init__(self, table: Table, changes: Sequence[Change]) -> None:
        self._table, self._changes = table, changes

    def apply(self, connection: Connection) -> None:
        added = [{**_UNSAID, **one.columns, "referral_id": one.referral_id} for one in self._changes if one.is_new]
        if added:
            connection.execute(insert(self._table), added)
        for one in self._changes:
            if not one.is_new:
                connection.execute(
                    update(self._table).where(self._table.c.referral_id == one.referral_id).values(**one.columns)
                )

    def committed(self) -> None:
        """Nobody waits for it."""


def referral_topic(partitions: int, table: Table = VISIT_REFERRALS) -> Topic:
    """The topic heard, written to the live table or to one that is being rebuilt."""

    def react(batch: Sequence[Envelope]) -> Effects:
        return _Changes(table, [found for envelope in batch if (found := change(envelope))])

    return Topic("referral", partitions, react, ReferralEvent)
