"""By when a partner should have answered, in business days of the site: pure arithmetic on the catalogue."""

from datetime import UTC, datetime
from functools import lru_cache

from shared.catalogue import Catalogue

# A batch is recorded at one moment: its referrals share a few deadlines.
_KEPT_MAX = 4096


@lru_cache(maxsize=_KEPT_MAX)
def answer_due(catalogue: Catalogue, partner: str, site: str, since: str) -> str:
    """The last moment for a first answer to what came at `since`."""
    return _after(catalogue, site, since, catalogue.deadlines(partner).first_answer_days)


@lru_cache(maxsize=_KEPT_MAX)
def outcome_due(catalogue: Catalogue, partner: str, site: str, since: str) -> str:
    """The last moment for an outcome of what came at `since`."""
    return _after(catalogue, site, since, catalogue.deadlines(partner).outcome_days)


def escalation_at(catalogue: Catalogue, partner: str, site: str, reminded: str) -> str:
    """When a reminder of that moment, if it has no answer, goes to the coordinator."""
    return _after(catalogue, site, reminded, catalogue.deadlines(partner).escalation_after_days)


def expiry_at(catalogue: Catalogue, partner: str, site: str, escalated: str) -> str:
    """When a referral that went to the coordinator at that moment expires: a business day later at the earliest.

    In a house that was never off this is `expiry_after_days` after the deadline. Counted from what really was done,
    not from the deadline, so that nobody loses a request by a time when the house could not tell them.
    """
    days = catalogue.deadlines(partner)
    return _after(catalogue, site, escalated, max(1, days.expiry_after_days - days.escalation_after_days))


def _after(catalogue: Catalogue, site: str, since: str, days: int) -> str:
    # To the second, in UTC: such texts sort as the moments do.
    due = catalogue.site(site).business_days_after(datetime.fromisoformat(since), days)
    return utc_text(due)


def utc_text(moment: datetime) -> str:
    """A moment as the read models keep it: UTC, to the second, so that the order of texts is that of time."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
