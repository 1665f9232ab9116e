"""What the audit reads of collective actions and of who is whose, by structures of its own."""

from typing import Any

import msgspec

HELD, RIGHTED = "intake.collective-action-held.v1", "intake.headcount-corrected.v1"
ACTION_VOIDED = "intake.collective-action-voided.v1"
CAME, CAME_NOT = "intake.attendance-recorded.v1", "intake.attendance-withdrawn.v1"
ATTACHED = "intake.person-attached.v1"
MERGED, UNMERGED = "intake.cases-merged.v1", "intake.cases-unmerged.v1"


class Held(msgspec.Struct, gc=False):
    """An action took place."""

    action_id: str
    site: str
    held_at: str
    kind: str
    category: str
    headcount: int
    topic: str | None = None
    leaders: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """What it is filed under."""
        return f"actions-{self.site}-{self.held_at[:4]}"

    @property
    def day(self) -> str:
        """The local day on which it was held."""
        return self.held_at[:10]

    @property
    def partners(self) -> tuple[str, ...]:
        """Whoever led it or spoke there."""
        return tuple(sorted(set(self.leaders + self.speakers)))


class Righted(msgspec.Struct, gc=False):
    """The headcount was another, or (`headcount` None) the action never was."""

    was: Held
    headcount: int | None = None
    cases: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    @property
    def tag(self) -> None:
        """It is found by its stream alone."""
        return None


class Came(msgspec.Struct, gc=False):
    """Somebody was there, or was not."""

    action_id: str
    site: str
    kind: str
    category: str
    held_on: str
    partners: tuple[str, ...] = ()
    case_id: str | None = None
    person_id: str | None = None

    @property
    def tag(self) -> str:
        """Who it was."""
        return self.person_id or self.case_id or ""


class Attached(msgspec.Struct, gc=False):
    """It is known who a case is about."""

    case_id: str
    person_id: str

    @property
    def tag(self) -> str:
        """Who it is."""
        return self.person_id


class Joined(msgspec.Struct, gc=False):
    """Two cases are one, or are not."""

    kept: str
    absorbed: str

    @property
    def tag(self) -> None:
        """It is found by its streams alone."""
        return None


Collective = Held | Righted | Came | Attached | Joined

DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    HELD: msgspec.json.Decoder(Held),
    **dict.fromkeys((RIGHTED, ACTION_VOIDED), msgspec.json.Decoder(Righted)),
    **dict.fromkeys((CAME, CAME_NOT), msgspec.json.Decoder(Came)),
    ATTACHED: msgspec.json.Decoder(Attached),
    **dict.fromkeys((MERGED, UNMERGED), msgspec.json.Decoder(Joined)),
}
