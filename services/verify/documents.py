"""What the audit reads of an event, by structures of its own: what it shared with the services it could not judge."""

from typing import Any

import msgspec

from services.verify import collective, waiting
from services.verify.collective import Collective
from services.verify.waiting import Arrival, Invited

COORDINATOR = "coordinator"
VISIT = "intake.visit-recorded.v1"
CORRECTED, VOIDED = "intake.visit-corrected.v1", "intake.visit-voided.v1"
ISSUED, UNMET, SETTLED = "referral.issued.v1", "referral.need-unmet.v1", "referral.need-settled.v1"
ACCEPTED, DECLINED, REROUTED = "referral.accepted.v1", "referral.declined.v1", "referral.rerouted.v1"
BOOKED, CANCELLED = "referral.appointment-booked.v1", "referral.appointment-cancelled.v1"
WALKED, RECEIVED, MISSED = "referral.person-walked.v1", "referral.person-received.v1", "referral.person-missed.v1"
COMPLETED, EXPIRED, WITHDRAWN = "referral.completed.v1", "referral.expired.v1", "referral.withdrawn.v1"
REOPENED, UNDONE = "referral.reopened.v1", "referral.move-undone.v1"
REMINDED, ESCALATED = "referral.reminded.v1", "referral.escalated.v1"
NEED_DROPPED, DROPPED = "referral.need-dropped.v1", "referral.request-dropped.v1"
REDATED = "referral.request-redated.v1"
OFF = "referral.permanence-cancelled.v1"
MOVES = {
    ACCEPTED: "accepted", DECLINED: "declined", REROUTED: "rerouted", BOOKED: "booked", CANCELLED: "", WALKED: "walked",
    RECEIVED: "received", MISSED: "missed", COMPLETED: "completed", EXPIRED: "expired", WITHDRAWN: "withdrawn",
    REOPENED: "issued", UNDONE: "",
}  # fmt: skip
"""What a referral is after each of the events that move it; empty where the event says so itself."""


class Document(msgspec.Struct, gc=False):
    """An entry of a log."""

    id: str
    source: str
    type: str
    subject: str
    time: str
    sequence: str
    streamversion: int
    data: msgspec.Raw
    recordedtime: str = ""

    @property
    def day(self) -> str:
        """The local day on which it happened."""
        return self.time[:10]


class Request(msgspec.Struct, gc=False):
    """One thing asked for."""

    request_id: str
    category: str
    topic: str | None = None
    answered: bool = False


class Visit(msgspec.Struct, gc=False):
    """Somebody was received."""

    visit_id: str
    case_id: str
    site: str
    channel: str
    requests: list[Request]
    language: str | None = None
    needs: tuple[str, ...] = ()
    children: bool = False
    invitation: str | None = None
    arrival_id: str | None = None


class Corrected(msgspec.Struct, gc=False):
    """A visit was not as it had been written down; without `now` it never was."""

    was: Visit
    was_at: str
    now: Visit | None = None
    now_at: str = ""

    @property
    def tag(self) -> str:
        """What it is filed under."""
        return self.was.visit_id

    @property
    def was_day(self) -> str:
        """The local day on which it was thought to have happened."""
        return self.was_at[:10]

    @property
    def now_day(self) -> str:
        """The local day on which it happened."""
        return self.now_at[:10]


class Handed(msgspec.Struct, gc=False):
    """A request was handed to a partner (`issued_on`), or found to be nobody's (`found_on`, `reason`).

    `replaces` = what it follows; `beside` = the request is counted with another of its `siblings`.
    """

    request_id: str
    visit_id: str
    case_id: str
    site: str
    category: str
    topic: str | None = None
    partner: str = COORDINATOR
    issued_on: str = ""
    found_on: str = ""
    reason: str | None = None
    replaces: str | None = None
    requested_on: str | None = None
    beside: bool = False
    siblings: tuple[str, ...] = ()
    safe_to_contact: bool | None = None

    @property
    def day(self) -> str:
        """The day that it is filed under."""
        return self.issued_on or self.found_on

    @property
    def requested(self) -> str:
        """The day of the visit, which the request is filed under."""
        return self.requested_on or self.day

    @property
    def is_first(self) -> bool:
        """Nobody had the request before, and it is counted here."""
        return self.replaces is None and not self.beside


class Moved(msgspec.Struct, gc=False):
    """A referral was moved. Which of the fields there are is a matter of its type."""

    partner: str
    was: str
    back_to: str = ""
    reason: str | None = None
    outcome: str | None = None
    follower: str | None = None
    permanence_id: str | None = None
    place: int | None = None
    places: int | None = None
    starts_at: str | None = None
    answer_days: int | None = None
    outcome_days: int | None = None
    keeps: str | None = None
    frees: str | None = None


class Chased(msgspec.Struct, gc=False):
    """The house asked for an answer."""

    partner: str


class Settled(msgspec.Struct, gc=False):
    """A need is unmet no longer."""

    request_id: str
    follower: str
    requested_on: str = ""

    @property
    def partner(self) -> str:
        """Whose queue it was in."""
        return COORDINATOR


class DroppedNeed(msgspec.Struct, gc=False):
    """A need is nobody's any more: its request was taken back."""

    request_id: str
    because: str

    @property
    def partner(self) -> str:
        """Whose queue it was in."""
        return COORDINATOR


class DroppedRequest(msgspec.Struct, gc=False):
    """A request was taken back by the desk."""

    request_id: str
    site: str
    requested_on: str
    was: str

    @property
    def tag(self) -> None:
        """It is found by its stream alone."""
        return None


class Redated(msgspec.Struct, gc=False):
    """The visit of a request was on another day."""

    request_id: str
    site: str
    was_on: str
    requested_on: str
    counts_as: str

    @property
    def tag(self) -> None:
        """It is found by its stream alone."""
        return None


class Off(msgspec.Struct, gc=False):
    """A permanence does not take place."""

    permanence_id: str
    partner: str
    site: str
    starts_at: str


Fact = (
    Visit | Corrected | Arrival | Invited | Handed | Moved | Chased | Settled | DroppedNeed | DroppedRequest
    | Redated | Off | Collective
)  # fmt: skip
Told = Handed | Moved | Chased | Settled | DroppedNeed
"""What the history of a referral is made of."""


class Unreadable(ValueError):
    """An entry that is no document, or whose data do not fit its type."""


_document = msgspec.json.Decoder(Document)
_data: dict[str, msgspec.json.Decoder[Any]] = {
    VISIT: msgspec.json.Decoder(Visit),
    CORRECTED: msgspec.json.Decoder(Corrected),
    VOIDED: msgspec.json.Decoder(Corrected),
    ISSUED: msgspec.json.Decoder(Handed),
    UNMET: msgspec.json.Decoder(Handed),
    **dict.fromkeys(MOVES, msgspec.json.Decoder(Moved)),
    **dict.fromkeys((REMINDED, ESCALATED), msgspec.json.Decoder(Chased)),
    SETTLED: msgspec.json.Decoder(Settled),
    NEED_DROPPED: msgspec.json.Decoder(DroppedNeed),
    DROPPED: msgspec.json.Decoder(DroppedRequest),
    REDATED: msgspec.json.Decoder(Redated),
    OFF: msgspec.json.Decoder(Off),
    **collective.DECODERS,
    **waiting.DECODERS,
}


def read_document(entry: bytes) -> Document:
    """An entry, its data not looked into yet. Raises `Unreadable`."""
    try:
        return _document.decode(entry)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from None


def read_data(document: Document) -> Fact | None:
    """The fact in a document; None for one that the audit has no use for. Raises `Unreadable`."""
    decoder = _data.get(document.type)
    if decoder is None:
        return None
    try:
        fact: Fact = decoder.decode(document.data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from None
    return fact
