"""What a desk may send to correct or to void a visit, checked against the catalogue in force."""

from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, create_model

from services.intake.corrections.visits import CorrectVisit, RequestRight, Visit, VoidReason
from services.intake.forms import CLOCKS_DIFFER, OLDEST, Needs, local_timestamp
from services.intake.plain_forms import CHANNELS, REQUESTS_MAX, UUID
from shared.catalogue import Catalogue
from shared.languages import LANGUAGES
from shared.web.parameters import Moment
from shared.web.problems import FieldError, invalid

SAID = ("site", "language", "needs", "children")
RequestId = Annotated[str, Field(pattern=UUID, description="Which one it is; left out, it is another one")]


class VoidForm(BaseModel):
    """Why the visit never was."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    reason: VoidReason


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class CorrectionForms:
    """The forms of one catalogue. `correction` is a body of `POST /visits/{visit_id}/correction`."""

    def __init__(self, catalogue: Catalogue) -> None:
        categories = tuple(category.code for category in catalogue.categories)
        topics = tuple(topic.code for topic in catalogue.topics)
        partners = tuple(partner.code for partner in catalogue.partners)
        request = create_model(
            "RequestCorrection",
            __base__=_Form,
            request_id=(RequestId | None, Field(default=None)),
            category=(_one_of(categories), Field(default=None, description="What it is about")),
            topic=(_or_null(topics), Field(default=None, description="Finer, of the same category")),
            partner=(_or_null(partners), Field(default=None, description="Who is wished for")),
            answered=(bool, Field(default=False, description="Dealt with on the spot")),
            safe_to_contact=(bool | None, Field(default=None, description="Whether the person may be rung")),
        )
        self.correction: type[BaseModel] = create_model(
            "CorrectionForm",
            __base__=_Form,
            site=(
                _one_of(tuple(site.code for site in catalogue.sites)),
                Field(default=None, description="Open requests are taken back there, and handed over anew here"),
            ),
            channel=(_one_of(CHANNELS), Field(default=None)),
            occurred_at=(Moment, Field(default=None, description="When it happened, with an offset")),
            requests=(
                tuple[request, ...],
                Field(
                    default=None,
                    min_length=1,
                    max_length=REQUESTS_MAX,
                    description="All of them, as they should have been; one that is left out never was",
                ),
            ),
            language=(_or_null(LANGUAGES), Field(default=None, description="ISO 639-1; null: not said")),
            needs=(Needs, Field(default=(), description="All that are needed to understand one another")),
            children=(
                bool,
                Field(default=False, description="With it an invitation is given, or withdrawn unless it was used"),
            ),
        )
        self._topics = {topic.code: topic.category for topic in catalogue.topics}
        self._zones = {site.code: site.zone for site in catalogue.sites}

    def command(self, form: Any, visit: Visit, now: datetime) -> CorrectVisit:
        """What is asked of this visit. Raises the 422 problem."""
        sent = form.model_fields_set
        errors: list[FieldError] = []
        if not sent:
            errors.append({"field": "requests", "detail": "Say what is right, of what the form names."})
        occurred_at = form.occurred_at
        if occurred_at is not None and not OLDEST <= occurred_at <= now + CLOCKS_DIFFER:
            errors.append({"field": "occurred_at", "detail": "Send a moment between the year 2000 and now."})
        rights = None
        if form.requests is not None:
            rights = tuple(self._right(one, number, visit, errors) for number, one in enumerate(form.requests))
        if errors:
            raise invalid(errors)
        # A site that the catalogue does not hold any more keeps the offset that was sent.
        said = {name: getattr(form, name) for name in SAID if name in sent}
        if "needs" in said:
            said["needs"] = tuple(sorted(said["needs"]))
        zone = self._zones.get(said.get("site", visit.told.site))
        if occurred_at is None and said.get("site", visit.told.site) != visit.told.site:
            # The same moment, by the clock of the other site.
            occurred_at = datetime.fromisoformat(visit.at)
        moment = local_timestamp(occurred_at, zone) if occurred_at and zone else None
        return CorrectVisit(form.channel, moment, rights, said)

    def _right(self, one: Any, number: int, visit: Visit, errors: list[FieldError]) -> RequestRight:
        fields = {name: getattr(one, name) for name in one.model_fields_set if name != "request_id"}
        before = next((made for made in visit.told.requests if made.request_id == one.request_id), None)
        category = fields.get("category", before.category if before else None)
        if one.request_id is None and category is None:
            errors.append({"field": f"requests.{number}.category", "detail": "Say what a new request is about."})
        kept = before.topic if before and before.category == category else None
        topic = fields.get("topic", kept)
        # What is left as it was may be of a catalogue of before, and stays.
        if topic and "topic" in fields and category and self._topics[topic] != category:
            belongs = f"It belongs to {self._topics[topic]}: change the category, or leave the topic out."
            errors.append({"field": f"requests.{number}.topic", "detail": belongs})
        return RequestRight(one.request_id, fields)


def _one_of(codes: tuple[str, ...]) -> Any:
    return cast("Any", Literal[codes])


def _or_null(codes: tuple[str, ...]) -> Any:
    return cast("Any", Literal[codes] | None) if codes else None
