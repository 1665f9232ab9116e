"""The places of permanences: who has which, and which is free. Asked inside the transaction that takes one."""

from datetime import date, datetime

from sqlalchemy import Connection, select

from services.referral.commands import BookAppointment
from services.referral.keeping import BOOKINGS, CANCELLATIONS, QUEUE_ITEMS
from services.referral.states import Standing
from services.referral.words import Status
from shared.catalogue import Catalogue, Opening
from shared.decider import Refusal
from shared.envelope import timestamp


class NotThisPermanence(Refusal):
    """There is no such permanence of that partner at that site; or it is over, or called off."""

    def __init__(self, permanence_id: str, why: str) -> None:
        super().__init__(f"{permanence_id}: {why}")
        self.permanence_id, self.why = permanence_id, why


class NoPlaceLeft(Refusal):
    """Every place is taken."""

    def __init__(self, permanence_id: str, places: int) -> None:
        super().__init__(permanence_id)
        self.permanence_id, self.places = permanence_id, places


class PlaceGone(Refusal):
    """The place that an undone move would give back belongs to somebody else by now."""

    def __init__(self, permanence_id: str) -> None:
        super().__init__(permanence_id)
        self.permanence_id = permanence_id


def opening_of(catalogue: Catalogue, permanence_id: str) -> Opening | None:
    """The dated opening of that id; None when the schedule has none."""
    site, _, rest = permanence_id.partition("_")
    moment = rest.rpartition("_")[2]
    try:
        day = date(int(moment[:4]), int(moment[4:6]), int(moment[6:8]))
    except ValueError:
        return None
    if site not in catalogue.sites_by_code:
        return None
    return next((one for one in catalogue.openings(site, day, day) if one.permanence_id == permanence_id), None)


def book(
    connection: Connection, catalogue: Catalogue, permanence_id: str, state: Standing, now: datetime
) -> BookAppointment:
    """The lowest free place, for this referral. Raises `NotThisPermanence` or `NoPlaceLeft`."""
    opening = opening_of(catalogue, permanence_id)
    if opening is None:
        raise NotThisPermanence(permanence_id, "There is no such permanence.")
    if (opening.partner, opening.site) != (state.handed.partner, state.handed.site):
        raise NotThisPermanence(permanence_id, "It is not held by the partner of this referral.")
    if opening.end <= now:
        raise NotThisPermanence(permanence_id, "It is over.")
    if is_cancelled(connection, permanence_id):
        raise NotThisPermanence(permanence_id, "It was called off.")
    taken = _taken(connection, permanence_id)
    own = state.handed.referral_id
    free = (place for place in range(1, opening.places + 1) if taken.get(place, own) == own)
    place = next(free, None)
    if place is None:
        raise NoPlaceLeft(permanence_id, opening.places)
    return BookAppointment(permanence_id, place, timestamp(opening.start), timestamp(opening.end), opening.places)


def still_free(connection: Connection, state: Standing) -> None:
    """Raise `PlaceGone` if the place that undoing the last move would give back is somebody else's."""
    back = state.before.appointment if state.before else None
    if back is None:
        return
    holder = _taken(connection, back.permanence_id).get(back.place)
    if holder not in (None, state.handed.referral_id) or is_cancelled(connection, back.permanence_id):
        raise PlaceGone(back.permanence_id)


def holders(connection: Connection, permanence_id: str) -> list[str]:
    """The referrals of those who have a place and were not received yet, by place."""
    not_yet = (Status.BOOKED.value, Status.WALKED.value)
    query = (
        select(BOOKINGS.c.referral_id)
        .join(QUEUE_ITEMS, QUEUE_ITEMS.c.referral_id == BOOKINGS.c.referral_id)
        .where(BOOKINGS.c.permanence_id == permanence_id, QUEUE_ITEMS.c.status.in_(not_yet))
        .order_by(BOOKINGS.c.place)
    )
    return list(connection.execute(query).scalars())


def cancellation_stream(permanence_id: str) -> str:
    """The stream that says that a permanence does not take place."""
    return f"permanence-{permanence_id}"


def is_cancelled(connection: Connection, permanence_id: str) -> bool:
    """Whether it was called off."""
    query = select(CANCELLATIONS.c.permanence_id).where(CANCELLATIONS.c.permanence_id == permanence_id)
    return connection.execute(query).first() is not None


def _taken(connection: Connection, permanence_id: str) -> dict[int, str]:
    query = (
        select(BOOKINGS.c.place, BOOKINGS.c.referral_id)
        .where(BOOKINGS.c.permanence_id == permanence_id)
        .order_by(BOOKINGS.c.place)
    )
    return {row.place: row.referral_id for row in connection.execute(query)}
