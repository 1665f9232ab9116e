"""What a desk may send, checked by pydantic against the catalogue in force, and turned into commands.

A refusal names the field at fault and what it may hold. Nothing that was sent is echoed.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from services.intake.commands import RecordVisit
from shared.catalogue import Catalogue
from shared.envelope import timestamp
from shared.events.intake import RequestMade
from shared.ids import derive_id, new_id
from shared.web.parameters import Moment
from shared.web.problems import FieldError, from_validation, invalid

CHANNELS = ("in_person", "phone", "mail", "email", "home", "remote")
REQUESTS_MAX = 20
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(minutes=5)
"""A desk's clock may run ahead of ours by this much."""

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
CaseId = Annotated[str, Field(pattern=_UUID, description="The case of somebody who was here before")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """A visit as asked for: the command, when it happened (RFC 3339, the site's offset), and what it is known by."""

    command: RecordVisit
    occurred_at: str
    canonical: bytes
    key: str | None


class VisitForms:
    """The forms of one catalogue. `visit` is one body of `POST /visits`, `line` one line of a batch."""

    def __init__(self, catalogue: Catalogue) -> None:
        codes = tuple(category.code for category in catalogue.categories)
        topics = tuple(topic.code for topic in catalogue.topics)
        partners = tuple(partner.code for partner in catalogue.partners)
        sites = tuple(site.code for site in catalogue.sites)
        request = create_model(
            "RequestForm",
            __base__=_Form,
            category=(_one_of(codes), Field(description="What it is about")),
            topic=(_optional(topics), Field(default=None, description="Finer, of the same category")),
            partner=(_optional(partners), Field(default=None, description="Who is wished for")),
            answered=(bool, Field(default=False, description="Dealt with on the spot")),
        )
        visit: dict[str, Any] = {
            "site": (_one_of(sites), Field(default=catalogue.default_site.code)),
            "channel": (_one_of(CHANNELS), Field(default="in_person")),
            "occurred_at": (
                Moment | None,
                Field(default=None, description="With an offset; now, if left out"),
            ),
            "case_id": (CaseId | None, Field(default=None)),
            "requests": (tuple[request, ...], Field(min_length=1, max_length=REQUESTS_MAX)),
        }
        key = (
            str,
            Field(pattern=r"^[\x21-\x7e]{1,255}$", description="Makes sending the line again harmless"),
        )
        self.visit: type[BaseModel] = create_model("VisitForm", __base__=_Form, **visit)
        self.line: type[BaseModel] = create_model("VisitLine", __base__=_Form, **visit, idempotency_key=key)
        self._topics = {topic.code: topic.category for topic in catalogue.topics}
        self._zones = {site.code: site.zone for site in catalogue.sites}

    def read(self, body: bytes, now: datetime, *, line: bool = False) -> Asked:
        """Check a body (already known to be decent JSON) and make its command. Raises the 422 problem."""
        try:
            form: Any = (self.line if line else self.visit).model_validate_json(body)
        except ValidationError as error:
            raise from_validation(error) from None
        self._check(form, now)
        visit_id = new_id()
        requests = tuple(
            RequestMade(derive_id(visit_id, number), asked.category, asked.topic, asked.partner, asked.answered)
            for number, asked in enumerate(form.requests, 1)
        )
        opens_case = form.case_id is None
        case_id = new_id() if opens_case else form.case_id
        return Asked(
            RecordVisit(visit_id, case_id, form.site, form.channel, requests, opens_case),
            local_timestamp(form.occurred_at or now, self._zones[form.site]),
            form.model_dump_json(exclude_unset=True, exclude={"idempotency_key"}).encode(),
            form.idempotency_key if line else None,
        )

    def _check(self, form: Any, now: datetime) -> None:
        errors: list[FieldError] = []
        if form.occurred_at is not None and not OLDEST <= form.occurred_at <= now + CLOCKS_DIFFER:
            errors.append({"field": "occurred_at", "detail": "Send a moment between the year 2000 and now."})
        for index, asked in enumerate(form.requests):
            if asked.topic is not None and self._topics[asked.topic] != asked.category:
                belongs = f"It belongs to {self._topics[asked.topic]}: change the category, or leave the topic out."
                errors.append({"field": f"requests.{index}.topic", "detail": belongs})
        if errors:
            raise invalid(errors)


def local_timestamp(moment: datetime, zone: ZoneInfo) -> str:
    """The moment with the site's own offset, so that its first ten characters are the local day."""
    return timestamp(moment.astimezone(zone))


def _one_of(codes: tuple[str, ...]) -> Any:
    return Literal[codes]


def _optional(codes: tuple[str, ...]) -> Any:
    return Literal[codes] | None if codes else None
