"""A visit as a desk sends it: codes only. Which codes there are, the house knows and says."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class Request(BaseModel):
    """One thing asked for. `partner` is a wish; `answered` = dealt with on the spot.

    `safe_to_contact`: whether the person may be rung or written to; None = nobody asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: str
    topic: str | None = None
    partner: str | None = None
    answered: bool = False
    safe_to_contact: bool | None = None


class RightRequest(BaseModel):
    """A request as it should have been. `request_id` = the one that it was; what is left out of that stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request_id: str | None = None
    category: str | None = None
    topic: str | None = None
    partner: str | None = None
    answered: bool = False
    safe_to_contact: bool | None = None


class Correction(BaseModel):
    """What is right of a visit; what is left out is right already. `requests` = all of them, as they should be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str | None = None
    occurred_at: datetime | None = None
    requests: list[RightRequest] = []
    site: str | None = None
    language: str | None = None
    needs: list[str] = []
    children: bool = False

    def body(self) -> dict[str, object]:
        """What goes over the wire: nothing that was left out."""
        return self.model_dump(mode="json", exclude_unset=True)


class Visit(BaseModel):
    """One person or household, received once. `occurred_at` is aware; left out, it is when it is recorded.

    `language` = ISO 639-1, `needs` = `interpreter`, `reader`; `children`: there are some to look after.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: list[Request] = Field(min_length=1)
    site: str | None = None
    channel: str | None = None
    occurred_at: datetime | None = None
    case_id: str | None = None
    language: str | None = None
    needs: list[str] = []
    children: bool = False
    arrival_id: str | None = None

    def body(self) -> dict[str, object]:
        """What goes over the wire: nothing that was left out."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
