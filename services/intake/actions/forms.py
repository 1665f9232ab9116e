"""What may be sent about a collective action, checked against the catalogue in force. There is no field for a text."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model, model_validator
from pydantic_core import PydanticCustomError

from services.intake.actions.action import KINDS, Attendee
from services.intake.forms import CLOCKS_DIFFER, OLDEST, local_timestamp
from services.intake.plain_forms import UUID
from shared.catalogue import Catalogue
from shared.events.intake import CollectiveActionHeld
from shared.web.parameters import Moment
from shared.web.problems import FieldError, invalid

HEADCOUNT_MAX = 2_000
PARTNERS_MAX = 20

_Id = Annotated[str, Field(pattern=UUID)]
_Headcount = Annotated[int, Field(ge=0, le=HEADCOUNT_MAX)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class AttendanceForm(_Form):
    """Somebody whom the house knows: a case or a person, one of the two."""

    case_id: _Id | None = None
    person_id: _Id | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> "AttendanceForm":
        if (self.case_id is None) == (self.person_id is None):
            raise PydanticCustomError("one_of_two", "Send case_id or person_id, one of the two")
        return self

    def attendee(self) -> Attendee:
        """Whom it names."""
        return Attendee(self.person_id, is_person=True) if self.person_id else Attendee(self.case_id or "")


class HeadcountForm(_Form):
    """How many people were there, all of them."""

    headcount: _Headcount


class ActionForms:
    """The form of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        partners = _each_once_of(tuple(partner.code for partner in catalogue.partners))
        codes = tuple(topic.code for topic in catalogue.topics)
        topics: Any = Literal[codes] | None if codes else None
        fields: dict[str, Any] = {
            "site": (
                Literal[tuple(site.code for site in catalogue.sites)],
                Field(default=catalogue.default_site.code),
            ),
            "kind": (Literal[KINDS], Field(description="What kind of action it was")),
            "held_at": (Moment | None, Field(default=None, description="With an offset; now, if left out")),
            "category": (
                Literal[tuple(category.code for category in catalogue.categories)],
                Field(description="What it was about"),
            ),
            "topic": (topics, Field(default=None, description="Finer, of the same category")),
            "leaders": (partners, Field(default=(), description="The partners that led it together with the house")),
            "speakers": (partners, Field(default=(), description="The partners that spoke")),
            "headcount": (_Headcount, Field(description="How many people were there, named or not")),
        }
        self.action: type[BaseModel] = create_model("ActionForm", __base__=_Form, **fields)
        self._topics = {topic.code: topic.category for topic in catalogue.topics}
        self._zones = {site.code: site.zone for site in catalogue.sites}

    def held(self, form: Any, action_id: str, now: datetime) -> CollectiveActionHeld:
        """What there is to say of the action. Raises the 422 problem."""
        errors: list[FieldError] = []
        if form.held_at and not OLDEST <= form.held_at <= now + CLOCKS_DIFFER:
            errors.append({"field": "held_at", "detail": "Send a moment between the year 2000 and now."})
        if form.topic and self._topics[form.topic] != form.category:
            belongs = f"It belongs to {self._topics[form.topic]}: change the category, or leave the topic out."
            errors.append({"field": "topic", "detail": belongs})
        if errors:
            raise invalid(errors)
        return CollectiveActionHeld(
            action_id,
            form.site,
            local_timestamp(form.held_at or now, self._zones[form.site]),
            form.kind,
            form.category,
            form.headcount,
            form.topic,
            tuple(sorted(form.leaders)),
            tuple(sorted(form.speakers)),
        )


def _each_once_of(codes: tuple[str, ...]) -> Any:
    def each_once(found: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(found)) < len(found):
            raise PydanticCustomError("each_once", "Name each once")
        return found

    code: Any = Literal[codes] if codes else str
    return Annotated[
        tuple[code, ...],
        Field(max_length=PARTNERS_MAX if codes else 0, json_schema_extra={"uniqueItems": True}),
        AfterValidator(each_once),
    ]
