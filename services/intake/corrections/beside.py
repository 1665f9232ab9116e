"""What was written beside a visit and goes with it: the invitation that it gave, and the ticket of the waiting room.

Both change in the transaction that corrects or voids the visit. What has happened since stays: a family that has come
was invited, and somebody who is not "received" any more is nobody's of this visit.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import structs

from services.intake.corrections.visits import VoidReason
from services.intake.forms import local_timestamp
from services.intake.invitations import giving
from services.intake.invitations.codes import code_of
from services.intake.invitations.invitation import Given, Used, invitation_stream
from services.intake.waiting.room import RECEIVED, ROOM, VOID, WAITING, undone
from shared.access.acting import actor
from shared.access.scope import INNER
from shared.catalogue import Catalogue
from shared.envelope import decode
from shared.events import Event
from shared.events.desk import InvitationGiven, InvitationWithdrawn, VisitorArrived
from shared.events.intake import VisitCorrected, VisitVoided
from shared.execute import Context, state_of
from shared.log import Append, Log, partition_of
from shared.log.append import NEW

Change = VisitCorrected | VisitVoided


class Beside:
    """What goes with the visits of one house."""

    def __init__(self, log: Log, catalogue: Catalogue) -> None:
        self._log, self._invites_to = log, catalogue.invites_to
        self._zones = {site.code: site.zone for site in catalogue.sites}
        self._default_zone = catalogue.default_site.zone

    async def invitation(self, change: Change, now: datetime) -> tuple[Change, list[Append]]:
        """The change with the invitation that the visit has then, and the appends that make it so."""
        code = change.was.invitation or code_of(change.was.visit_id)
        found = await giving.find(self._log, INNER, code)
        if found is not None and found.event.visit_id != change.was.visit_id:
            # The code of another family: see `codes.py`.
            return change, []
        if found is not None and isinstance(found.state, Used):
            return change, []
        stands = isinstance(found.state, Given) if found else False
        right = _invited_on(change)
        told = (found.event.site, found.given_at[:10]) if found and stands else None
        if told is not None and right == told:
            return change, []
        wanted = right if self._invites_to and (stands or not change.was.children) else None
        if isinstance(change, VisitCorrected):
            change = structs.replace(change, now=structs.replace(change.now, invitation=code if wanted else None))
        if wanted == told:
            return change, []
        version, appends = found.version if found else NEW, list[Append]()
        if found and told:
            because = "visit_corrected" if isinstance(change, VisitCorrected) else "visit_voided"
            withdrawn = InvitationWithdrawn(code, found.event.site, found.event.partner, told[1], because)
            appends.append(self._append(invitation_stream(code), [withdrawn], version, self._local(now, told[0])))
            version += 1
        if wanted and self._invites_to and isinstance(change, VisitCorrected):
            given = InvitationGiven(code, change.was.visit_id, wanted[0], self._invites_to)
            appends.append(self._append(invitation_stream(code), [given], version, change.now_at))
        return change, appends

    async def ticket(self, change: Change, now: datetime) -> list[Append]:
        """The append that takes the ticket of a voided visit back: for the visit, nobody was received.

        Whoever it is may still sit there today, and waits again. On a later day, and after a mere test, nobody does.
        A visit that was entered twice was somebody's: the other entry keeps the ticket.
        """
        arrival_id = change.was.arrival_id
        if not isinstance(change, VisitVoided) or arrival_id is None or change.reason == VoidReason.DUPLICATE:
            return []
        stream = await self._room_of(arrival_id)
        history = await self._log.read(stream) if stream else []
        arrival = state_of(ROOM, history).arrivals.get(arrival_id)
        if stream is None or arrival is None or arrival.status != RECEIVED:
            return []
        came = history[0].occurred_at[:10]
        at = self._local(now, change.was.site)
        may_wait = came == at[:10] and change.reason != VoidReason.TEST
        event = undone(arrival, WAITING if may_wait else VOID, "visit_voided")
        return [self._append(stream, [event], len(history), at, arrival_id)]

    async def _room_of(self, arrival_id: str) -> str | None:
        for entry in await self._log.read_tagged(arrival_id, limit=1):
            envelope = decode(entry.body)
            if isinstance(envelope.event, VisitorArrived):
                return envelope.stream
        return None

    def _local(self, now: datetime, site: str) -> str:
        return local_timestamp(now, self._zones.get(site, self._default_zone))

    def _append(self, stream: str, events: Sequence[Event], expected: int, at: str, tag: str | None = None) -> Append:
        context = Context(at, partition_of(stream, self._log.partitions), tag=tag, actor=actor())
        return context.append(stream, events, expected)


def _invited_on(change: Change) -> tuple[str, str] | None:
    """The site and the day on which the visit as it is now invites; None: it does not."""
    if isinstance(change, VisitVoided) or not change.now.children:
        return None
    return change.now.site, change.now_at[:10]
