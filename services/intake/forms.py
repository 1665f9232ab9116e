"""What a desk may send, checked by pydantic against the catalogue in force, and turned into commands.

A refusal names the field at fault and what it may hold. Nothing that was sent is echoed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import PydanticCustomError

from services.intake.commands import RecordVisit
from services.intake.invitations.codes import code_of
from services.intake.plain_forms import CHANNELS, KEY, NEEDS, REQUESTS_MAX, UUID, PlainForms, Sent
from shared.catalogue import Catalogue
from shared.envelope import timestamp
from shared.events.intake import RequestMade
from shared.ids import derive_id, new_id
from shared.languages import LANGUAGES
from shared.web.parameters import Moment
from shared.web.problems import FieldError, from_validation, invalid
from shared.web.strict_json import check

DEFAULT_CHANNEL = CHANNELS[0]
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCKS_DIFFER = timedelta(minutes=5)
"""A desk's clock may run ahead of ours by this much."""

CaseId = Annotated[str, Field(pattern=UUID, description="The case of somebody who was here before")]
ArrivalId = Annotated[str, Field(pattern=UUID, description="Who waited to be received")]


def _each_once(needs: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(needs)) < len(needs):
        raise PydanticCustomError("each_once", "Name each once")
    return needs


Needs = Annotated[
    tuple[Literal[NEEDS], ...],  # type: ignore[valid-type]
    Field(max_length=len(NEEDS), json_schema_extra={"uniqueItems": True}),
    AfterValidator(_each_once),
]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Asked(msgspec.Struct, frozen=True):
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
            safe_to_contact=(
                bool | None,
                Field(default=None, description="Whether the person may be rung or written to; null: not asked"),
            ),
        )
        visit: dict[str, Any] = {
            "site": (_one_of(sites), Field(default=catalogue.default_site.code)),
            "channel": (_one_of(CHANNELS), Field(default=DEFAULT_CHANNEL)),
            "occurred_at": (
                Moment | None,
                Field(default=None, description="With an offset; now, if left out"),
            ),
            "case_id": (CaseId | None, Field(default=None)),
            "requests": (tuple[request, ...], Field(min_length=1, max_length=REQUESTS_MAX)),
            "language": (_optional(LANGUAGES), Field(default=None, description="ISO 639-1; null: not said")),
            "needs": (Needs, Field(default=(), description="Who is needed to understand one another")),
            "children": (bool, Field(default=False, description="There are children to look after")),
            "arrival_id": (ArrivalId | None, Field(default=None)),
        }
        key = (str, Field(pattern=KEY, description="Makes sending the line again harmless"))
        self.visit: type[BaseModel] = create_model("VisitForm", __base__=_Form, **visit)
        self.line: type[BaseModel] = create_model("VisitLine", __base__=_Form, **visit, idempotency_key=key)
        self._plain = PlainForms(catalogue)
        self._invites_to = catalogue.invites_to
        self._default_site = catalogue.default_site.code
        self._topics = {topic.code: topic.category for topic in catalogue.topics}
        self._zones = {site.code: site.zone for site in catalogue.sites}

    def read(self, body: bytes, now: datetime, *, line: bool = False) -> Asked:
        """Check a body and make its command. Raises the 400, 413 or 422 problem."""
        plain = self._plain.read_line(body) if line else self._plain.read_visit(body)
        visit, text, happened_at, key = plain or self.read_patiently(body, line=line)
        site = visit.site or self._default_site
        self._check(visit.requests, happened_at, now)
        occurred_at = local_timestamp(happened_at or now, self._zones[site])
        if happened_at:
            # The same moment is the same, by whatever offset it was told.
            text = self._plain.at(visit, occurred_at)
        visit_id = new_id()
        requests = tuple(
            [
                RequestMade(
                    derive_id(visit_id, number),
                    asked.category,
                    asked.topic or None,
                    asked.partner or None,
                    bool(asked.answered),
                    asked.safe_to_contact if isinstance(asked.safe_to_contact, bool) else None,
                )
                for number, asked in enumerate(visit.requests, 1)
            ]
        )
        case_id = visit.case_id or new_id()
        command = RecordVisit(
            visit_id,
            case_id,
            site,
            visit.channel or DEFAULT_CHANNEL,
            requests,
            opens_case=not visit.case_id,
            language=visit.language or None,
            needs=tuple(sorted(visit.needs)) if visit.needs else (),
            children=bool(visit.children),
            invitation=(code_of(visit_id), self._invites_to) if visit.children and self._invites_to else None,
            arrival_id=visit.arrival_id or None,
        )
        return Asked(command, occurred_at, text, key)

    def read_patiently(self, body: bytes, *, line: bool) -> Sent:
        """The long way, which takes every spelling and says of each fault where it is. Raises as `read` does."""
        check(body)
        try:
            form = (self.line if line else self.visit).model_validate_json(body)
        except ValidationError as error:
            raise from_validation(error) from None
        return self._plain.made_of(form.model_dump(mode="json", exclude_unset=True))

    def _check(self, requests: Sequence[Any], happened_at: datetime | None, now: datetime) -> None:
        errors: list[FieldError] = []
        if happened_at and not OLDEST <= happened_at <= now + CLOCKS_DIFFER:
            errors.append({"field": "occurred_at", "detail": "Send a moment between the year 2000 and now."})
        for index, asked in enumerate(requests):
            if asked.topic and self._topics[asked.topic] != asked.category:
                belongs = f"It belongs to {self._topics[asked.topic]}: change the category, or leave the topic out."
                errors.append({"field": f"requests.{index}.topic", "detail": belongs})
        if errors:
            raise invalid(errors)


# A batch is read at one moment, and so are most of its visits.
@lru_cache(maxsize=16)
def local_timestamp(moment: datetime, zone: ZoneInfo) -> str:
    """The moment with the site's own offset, so that its first ten characters are the local day."""
    return timestamp(moment.astimezone(zone))


def _one_of(codes: tuple[str, ...]) -> Any:
    return Literal[codes]


def _optional(codes: tuple[str, ...]) -> Any:
    return Literal[codes] | None if codes else None
