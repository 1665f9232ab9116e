"""What a desk asks of intake. Ids and times are made at the edge; a command carries them."""

from dataclasses import dataclass

from shared.events.intake import RequestMade


@dataclass(frozen=True, slots=True)
class RecordVisit:
    """One person was received. `opens_case`: nothing is known of the person, so the visit opens a case."""

    visit_id: str
    case_id: str
    site: str
    channel: str
    requests: tuple[RequestMade, ...]
    opens_case: bool


Command = RecordVisit
