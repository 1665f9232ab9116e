"""What the audit reads of the waiting room and of invitations, by structures of its own."""

from typing import Any

import msgspec

ARRIVED, CALLED, LEFT = "intake.visitor-arrived.v1", "intake.visitor-received.v1", "intake.visitor-left.v1"
ARRIVAL_UNDONE = "intake.arrival-undone.v1"
GIVEN, USED = "intake.invitation-given.v1", "intake.invitation-used.v1"
WITHDRAWN = "intake.invitation-withdrawn.v1"


class Arrival(msgspec.Struct, gc=False):
    """Somebody came (`ticket`, `arrived_at`), is waiting no more (`arrived_on`, `waited_min`), or is not (`was`)."""

    arrival_id: str
    site: str
    ticket: int = 0
    arrived_at: str = ""
    arrived_on: str = ""
    waited_min: int | None = None
    was: str = ""
    becomes: str = ""
    because: str = ""

    @property
    def tag(self) -> str:
        """What it is filed under."""
        return self.arrival_id


class Invited(msgspec.Struct, gc=False):
    """A family was invited (`visit_id`), came, or is invited no more (`given_on`)."""

    invitation: str
    site: str
    visit_id: str = ""
    given_on: str = ""

    @property
    def tag(self) -> None:
        """It is found by its stream alone."""
        return None


DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    **dict.fromkeys((ARRIVED, CALLED, LEFT, ARRIVAL_UNDONE), msgspec.json.Decoder(Arrival)),
    **dict.fromkeys((GIVEN, USED, WITHDRAWN), msgspec.json.Decoder(Invited)),
}
