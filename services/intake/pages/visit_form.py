"""The desk's form: what a worker chose, read from a page's fields and written as a body of `POST /visits`.

Each category has a topic and a next step of its own among the fields, so that the page can show those of the chosen
category alone without any script; those of other categories are passed over.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field, create_model

from services.intake.plain_forms import CHANNELS, NEEDS, REQUESTS_MAX, UUID
from shared.catalogue import Catalogue
from shared.languages import LANGUAGES
from shared.web.idempotency import KEY_PATTERN

HERE, TEAM = "here", "team"
"""Next steps that are no partner: answered on the spot; left to the house's own staff."""
PROPOSED = ""
_CHOSEN_PARTS = 3


class Chosen(NamedTuple):
    """One request: `next_step` is `PROPOSED`, `HERE`, `TEAM`, or the code of the partner that was chosen."""

    category: str
    topic: str | None
    next_step: str = PROPOSED

    def text(self) -> str:
        """As a hidden field carries it."""
        return ":".join((self.category, self.topic or "", self.next_step))

    def body(self) -> dict[str, Any]:
        """As `POST /visits` takes it."""
        members: dict[str, Any] = {"category": self.category}
        if self.topic:
            members["topic"] = self.topic
        if self.next_step == HERE:
            members["answered"] = True
        elif self.next_step not in (PROPOSED, TEAM):
            members["partner"] = self.next_step
        return members


class Said(NamedTuple):
    """What may be said of a visit besides its requests, or left unsaid. `arrival` = who was received for it.

    `case` = the case that it goes into; None opens one.
    """

    language: str | None = None
    needs: tuple[str, ...] = ()
    children: bool = False
    arrival: str | None = None
    case: str | None = None

    def body(self) -> dict[str, Any]:
        """As `POST /visits` takes it: nothing that was left unsaid."""
        named = {"language": self.language, "needs": self.needs, "children": self.children, "arrival_id": self.arrival}
        named["case_id"] = self.case
        return {name: value for name, value in named.items() if value}


NOTHING_SAID = Said()


class DeskForms:
    """The form of one catalogue's desk."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        steps = (HERE, TEAM, *(partner.code for partner in catalogue.partners))
        categories = tuple(category.code for category in catalogue.categories)
        fields: dict[str, Any] = {
            "site": (Literal[tuple(site.code for site in catalogue.sites)], catalogue.default_site.code),
            "channel": (Literal[CHANNELS], CHANNELS[0]),
            "key": (str, Field(pattern=KEY_PATTERN)),
            "action": (Literal["record", "add"], "record"),
            "remove": (int | None, Field(default=None, ge=0, lt=REQUESTS_MAX)),
            "request": (list[str], Field(default=[], max_length=REQUESTS_MAX)),
            "category": (Literal[categories] | None, None),
            "language": (Literal[LANGUAGES] | None, None),
            "needs": (list[Literal[NEEDS]], Field(default=[], max_length=len(NEEDS))),  # type: ignore[valid-type]
            "children": (bool, False),
            "arrival": (str | None, Field(default=None, pattern=UUID)),
            "case": (str | None, Field(default=None, pattern=UUID)),
        }
        for code in categories:
            topics = tuple(topic.code for topic in catalogue.topics if topic.category == code)
            fields[f"topic_{code}"] = (Literal[topics] | None if topics else None, None)
            fields[f"next_{code}"] = (Literal[steps] | None, None)
        self.form: type[BaseModel] = create_model("DeskForm", __config__=ConfigDict(extra="forbid"), **fields)

    def requests(self, form: Any) -> list[Chosen]:
        """What was chosen before, and what is chosen now; a forged earlier one is dropped."""
        earlier = [chosen for text in form.request if (chosen := self.read(text)) is not None]
        now = self.chosen_now(form)
        return [*earlier, now] if now else earlier

    @staticmethod
    def said(form: Any) -> Said:
        """What is said of the visit besides its requests."""
        return Said(form.language, tuple(dict.fromkeys(form.needs)), form.children, form.arrival, form.case)

    def chosen_now(self, form: Any) -> Chosen | None:
        """The request under the worker's hands; None when no category is chosen."""
        if form.category is None:
            return None
        topic = getattr(form, f"topic_{form.category}")
        return Chosen(form.category, topic, getattr(form, f"next_{form.category}") or PROPOSED)

    def read(self, text: str) -> Chosen | None:
        """A request from its hidden field; None when it is none of this catalogue."""
        parts = text.split(":")
        if len(parts) != _CHOSEN_PARTS:
            return None
        category, topic, step = parts
        known = self._catalogue.topics_by_code.get(topic)
        is_topic = not topic or (known is not None and known.category == category)
        is_step = step in (PROPOSED, HERE, TEAM) or step in self._catalogue.partners_by_code
        if category not in self._catalogue.categories_by_code or not is_topic or not is_step:
            return None
        return Chosen(category, topic or None, step)


def visit_body(
    site: str,
    channel: str,
    requests: Sequence[Chosen],
    occurred_at: datetime | None = None,
    key: str | None = None,
    said: Said = NOTHING_SAID,
) -> bytes:
    """A visit as `POST /visits` takes it; with a key, as a line of a batch."""
    body: dict[str, Any] = {"site": site, "channel": channel, "requests": [one.body() for one in requests]}
    body |= said.body()
    if occurred_at is not None:
        body["occurred_at"] = occurred_at.isoformat()
    if key is not None:
        body["idempotency_key"] = key
    return msgspec.json.encode(body)
