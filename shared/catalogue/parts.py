"""What a house answers, who answers it, and by which rule."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from shared.catalogue.deadlines import FirstAnswerDays, OutcomeDays
from shared.catalogue.part import CategoryCode, Kebab, Label, Part, PartnerCode, TopicCode

Reached = Literal["permanence", "on_site", "outside"]
IdentityField = Literal["given_name", "family_name", "birth_date", "phone", "email", "address", "language"]


class Category(Part):
    """What a request is about. `on_the_spot`: the house's own staff answer it, it has no partner queue."""

    code: CategoryCode
    label_fr: Label
    label_en: Label
    on_the_spot: bool


class Topic(Part):
    """A finer tag under one category. A `sensitive` one goes to no partner that does not list it."""

    code: TopicCode
    category: str
    label_fr: Label
    label_en: Label
    sensitive: bool


class Partner(Part):
    """An organisation that answers requests. Ask `Catalogue.deadlines` for its deadlines: here stand its own only.

    `identity_fields`: what it may read of a person once it has accepted.
    `topics`: the sensitive topics it takes, and those ordinary ones that are all it answers of a category.
    `active_from`: the first day on which it can be sent anyone; none = always.
    `invites_families`: at a visit with children to look after, the desk gives an invitation to it.
    """

    code: PartnerCode
    name: Label
    categories: Annotated[tuple[str, ...], Field(min_length=1)]
    topics: tuple[str, ...] = ()
    reached: Reached
    active_from: date | None = None
    first_answer_days: FirstAnswerDays | None = None
    outcome_days: OutcomeDays | None = None
    identity_fields: Annotated[tuple[IdentityField, ...], Field(min_length=1)] = ("given_name", "family_name", "phone")
    invites_families: bool = False

    def active_on(self, day: date) -> bool:
        """Whether it can be sent anyone that day."""
        return self.active_from is None or self.active_from <= day

    def takes(self, topic: Topic, topics: Mapping[str, Topic]) -> bool:
        """Of a category it answers, whether it takes a topic: one listed, or any ordinary one if none is."""
        if topic.sensitive or topic.code in self.topics:
            return topic.code in self.topics
        listed = (topics[code] for code in self.topics if code in topics)
        return not any(other.category == topic.category and not other.sensitive for other in listed)


class Rule(Part):
    """Requests of this category (and topic) go to one of these partners, the first preferred.

    `several`: to every active one of them at once.
    """

    id: Kebab
    category: str
    topic: str | None = None
    partners: Annotated[tuple[str, ...], Field(min_length=1)]
    several: bool = False
