"""How long somebody is remembered: two years after the last contact, then no longer in use, then forgotten by visa."""

from datetime import date, timedelta

KEPT_DAYS = 730
"""After the last contact that came from the person."""


def is_over(last_contact: date, today: date) -> bool:
    """Whether the two years are over: on the 730th day the file is in use, on the 731st no longer."""
    return (today - last_contact).days > KEPT_DAYS


def oldest_in_use(today: date) -> date:
    """The last contact of those whose file is in use for one more day."""
    return today - timedelta(days=KEPT_DAYS)
