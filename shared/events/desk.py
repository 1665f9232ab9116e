"""What intake says of the waiting room and of invitations: opaque ids, numbers and days, never a person or a case."""

from typing import ClassVar

from shared.events.base import Event


class VisitorArrived(Event, frozen=True):
    """Somebody came and waits to be received, by a number of the day (`ticket`, from 1) and nothing else.

    Its stream is the waiting room's: one site on one day. `arrived_at` carries the site's offset.
    """

    event_type: ClassVar[str] = "intake.visitor-arrived.v1"

    arrival_id: str
    site: str
    ticket: int
    arrived_at: str


class VisitorReceived(Event, frozen=True):
    """Whoever waited was received, `waited_min` whole minutes after arriving on `arrived_on`."""

    event_type: ClassVar[str] = "intake.visitor-received.v1"

    arrival_id: str
    site: str
    arrived_on: str
    waited_min: int


class VisitorLeft(Event, frozen=True):
    """Whoever waited left before being received, or did not answer to the number any more."""

    event_type: ClassVar[str] = "intake.visitor-left.v1"

    arrival_id: str
    site: str
    arrived_on: str
    waited_min: int


class ArrivalUndone(Event, frozen=True):
    """An arrival is not what it was noted as: `was` `received` or `left`, it waits again; or it never was (`void`).

    `waited_min` = the minutes that had ended with `was`, taken back; `because` = `mistake` or `visit_voided`.
    """

    event_type: ClassVar[str] = "intake.arrival-undone.v1"

    arrival_id: str
    site: str
    arrived_on: str
    was: str
    becomes: str
    waited_min: int | None = None
    because: str = "mistake"


class InvitationGiven(Event, frozen=True):
    """At a visit with children to look after, the desk invited to the house of `partner`: a code on a slip.

    Its stream is the invitation's own, named by the code. Given once more after it was withdrawn, it is the same code.
    """

    event_type: ClassVar[str] = "intake.invitation-given.v1"

    invitation: str
    visit_id: str
    site: str
    partner: str


class InvitationUsed(Event, frozen=True):
    """They came, with the slip that was given on `given_on`."""

    event_type: ClassVar[str] = "intake.invitation-used.v1"

    invitation: str
    site: str
    partner: str
    given_on: str


class InvitationWithdrawn(Event, frozen=True):
    """The code that was given on `given_on` is good no longer: `visit_voided`, or `visit_corrected`."""

    event_type: ClassVar[str] = "intake.invitation-withdrawn.v1"

    invitation: str
    site: str
    partner: str
    given_on: str
    because: str
