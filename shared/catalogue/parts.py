"""What a house answers, who answers it, when, and by which rule."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.catalogue.part import (
    WEEKDAYS,
    CategoryCode,
    Kebab,
    Label,
    Part,
    PartnerCode,
    TimeOfDay,
    TopicCode,
    Weekday,
)

Weeks = Literal["every", "even", "odd"]
Reached = Literal["permanence", "on_site", "outside"]


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
    """An organisation that answers requests. Deadlines are counted in business days of the site.

    `topics`: the sensitive topics it takes, and those ordinary ones that are all it answers of a category.
    `active_from`: the first day on which it can be sent anyone; none = always.
    """

    code: PartnerCode
    name: Label
    categories: Annotated[tuple[str, ...], Field(min_length=1)]
    topics: tuple[str, ...] = ()
    reached: Reached
    active_from: date | None = None
    first_answer_days: Annotated[int, Field(ge=1, le=90)] = 3
    outcome_days: Annotated[int, Field(ge=1, le=365)] = 15

    @model_validator(mode="after")
    def _deadlines_follow(self) -> Self:
        if self.outcome_days < self.first_answer_days:
            days = f"outcome_days {self.outcome_days}, first_answer_days {self.first_answer_days}"
            raise ValueError(f"wants its outcome before its first answer: {days}")
        return self

    def active_on(self, day: date) -> bool:
        """Whether it can be sent anyone that day."""
        return self.active_from is None or self.active_from <= day

    def takes(self, topic: Topic, topics: Mapping[str, Topic]) -> bool:
        """Of a category it answers, whether it takes a topic: one listed, or any ordinary one if none is."""
        if topic.sensitive or topic.code in self.topics:
            return topic.code in self.topics
        listed = (topics[code] for code in self.topics if code in topics)
        return not any(other.category == topic.category and not other.sensitive for other in listed)


class Permanence(Part):
    """A weekly opening of a partner in an office. `weeks`: by the parity of the ISO week number."""

    site: str
    office: str
    partner: str
    weekday: Weekday
    start: Annotated[TimeOfDay, Field(alias="from")]
    end: Annotated[TimeOfDay, Field(alias="until")]
    places: Annotated[int, Field(ge=1, le=200)]
    weeks: Weeks

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"ends at {self.end:%H:%M}, not after it starts at {self.start:%H:%M}")
        return self

    def held_on(self, day: date) -> bool:
        """Whether the weekday and the parity of the week are right; the doors may still be closed."""
        if WEEKDAYS[day.weekday()] != self.weekday:
            return False
        return self.weeks == "every" or (self.weeks == "even") == (day.isocalendar().week % 2 == 0)


class Schedule(Part):
    """The weekly permanences. `invented` must be stated: whether they are made up or the real ones."""

    invented: bool
    permanences: tuple[Permanence, ...] = ()


class Rule(Part):
    """Requests of this category (and topic) go to one of these partners, the first preferred."""

    id: Kebab
    category: str
    topic: str | None = None
    partners: Annotated[tuple[str, ...], Field(min_length=1)]
