"""Permanences as an iCalendar feed (RFC 5545), for whatever calendar somebody already looks at.

A feed says who is where and when. It says nothing of who goes there, nor how many: calendars are shown around.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from icalendar import Calendar, Event

from services.referral.permanences.planner import Planned
from shared.catalogue import Catalogue

PAST_WEEKS = 4
COMING_WEEKS = 8
MEDIA_TYPE = "text/calendar"

# To be raised when a feed begins to say the same in other words.
_FORM = 1
_ASK_AGAIN = timedelta(hours=1)


class Feed(NamedTuple):
    """What a calendar called `name` says. `stamp` (aware): as of when; the text changes with it."""

    name: str
    held: tuple[Planned, ...]
    catalogue: Catalogue
    stamp: datetime


def tag_of(feed: Feed) -> str:
    """The entity tag: it changes whenever the text does, and costs a small part of it."""
    openings = [(one.opening, one.is_cancelled) for one in feed.held]
    said = repr((_FORM, feed.catalogue.name, feed.catalogue.version, feed.name, feed.stamp.isoformat(), openings))
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def text_of(feed: Feed) -> bytes:
    """The calendar's text. Some tens of milliseconds for two months of a busy office."""
    calendar = Calendar()
    calendar.add("prodid", "-//Maison de la solidarite//Permanences//FR")
    calendar.add("version", "2.0")
    calendar.add("name", feed.name)
    # The name that calendars knew before RFC 7986 gave it one.
    calendar.add("x-wr-calname", feed.name)
    calendar.add("refresh-interval", _ASK_AGAIN, parameters={"VALUE": "DURATION"})
    for one in feed.held:
        calendar.add_component(_event(one, feed.catalogue, feed.stamp))
    text: bytes = calendar.to_ical()
    return text


def is_known(etag: str, if_none_match: str | None) -> bool:
    """Whether whoever asks has this text already."""
    tags = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    return bool(tags & {etag, "*"})


def _event(one: Planned, catalogue: Catalogue, stamp: datetime) -> Event:
    opening = one.opening
    site = catalogue.site(opening.site)
    office = next(office.name for office in site.offices if office.code == opening.office)
    event = Event()
    event.add("uid", f"{opening.permanence_id}@permanences.maison")
    event.add("dtstamp", stamp.astimezone(UTC))
    # In UTC: no calendar needs to be told then when the clocks of the site change.
    event.add("dtstart", opening.start.astimezone(UTC))
    event.add("dtend", opening.end.astimezone(UTC))
    event.add("summary", one.name)
    event.add("location", f"{office}, {site.name}")
    event.add("description", f"{opening.places} places")
    event.add("status", "CANCELLED" if one.is_cancelled else "CONFIRMED")
    event.add("sequence", int(one.is_cancelled))
    return event
