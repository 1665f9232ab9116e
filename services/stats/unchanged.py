"""Whether a file is still as a client has it: entity tags and dates of change, after RFC 9110, section 13."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from typing import NamedTuple

_TAG = re.compile(r'(?:W/)?("[^"]*")')
_SECOND = timedelta(seconds=1)


class Asked(NamedTuple):
    """What a client says that it has: `If-None-Match` and `If-Modified-Since`."""

    tag: str | None = None
    since: str | None = None


class State(NamedTuple):
    """The state of a file: its entity tag, and when it last changed; None where nobody knows."""

    tag: str
    changed: datetime | None

    @classmethod
    def of(cls, *facts: object, changed_at: str, now: datetime) -> "State":
        """From whatever tells one state from another. `changed_at`: in UTC, empty where nobody knows."""
        digest = sha256(repr(facts).encode()).hexdigest()[:32]
        return cls(f'"{digest}"', _to_the_second(changed_at, now) if changed_at else None)

    def headers(self) -> dict[str, str]:
        """What is sent with the file, and with a 304 in its place."""
        headers = {"ETag": self.tag, "Cache-Control": "no-cache"}
        if self.changed:
            headers["Last-Modified"] = format_datetime(self.changed, usegmt=True)
        return headers

    def is_known_to(self, asked: Asked) -> bool:
        """Whether the client has it as it is. A tag is exact, so that a date beside it is not looked at."""
        if asked.tag is not None:
            return asked.tag.strip() == "*" or self.tag in _TAG.findall(asked.tag)
        since = _date(asked.since)
        return bool(since and self.changed and self.changed <= since)


def _to_the_second(changed_at: str, now: datetime) -> datetime:
    """The second of the last change. As long as it lasts the one before: more may change in it, unseen by a date."""
    changed = datetime.fromisoformat(changed_at).replace(microsecond=0)
    return min(changed, now.replace(microsecond=0) - _SECOND)


def _date(text: str | None) -> datetime | None:
    """None where there is none, or what is there is not a date: then it is as if it had not been sent."""
    try:
        found = parsedate_to_datetime(text) if text else None
    except (ValueError, TypeError, OverflowError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None
