"""How long partners have to answer, in business days of the site's calendar."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.catalogue.part import Part

FirstAnswerDays = Annotated[int, Field(ge=1, le=90)]
OutcomeDays = Annotated[int, Field(ge=1, le=365)]
_LateDays = Annotated[int, Field(ge=1, le=90)]


class Deadlines(Part):
    """Business days. The first two count from the entry's arrival in the partner's queue.

    The other two count from the end of the first: an answer that late goes to the coordinator, and at last
    the referral expires.
    """

    first_answer_days: FirstAnswerDays = 3
    outcome_days: OutcomeDays = 15
    escalation_after_days: _LateDays = 2
    expiry_after_days: _LateDays = 5

    @model_validator(mode="after")
    def _follow(self) -> Self:
        if contradiction := out_of_order(self.first_answer_days, self.outcome_days):
            raise ValueError(contradiction)
        if self.expiry_after_days < self.escalation_after_days:
            days = f"expiry_after_days {self.expiry_after_days}, escalation_after_days {self.escalation_after_days}"
            raise ValueError(f"lets a referral expire before the coordinator hears of it: {days}")
        return self


def out_of_order(first_answer_days: int, outcome_days: int) -> str | None:
    """What is wrong with these two together; None when nothing is."""
    if outcome_days >= first_answer_days:
        return None
    days = f"outcome_days {outcome_days}, first_answer_days {first_answer_days}"
    return f"wants its outcome before its first answer: {days}"
