"""The short way through a form: what is plainly right is read in one step, in C, by msgspec.

It answers None for everything else: what is wrong, and what is right but written unusually. That goes the long way
(`forms.py`), which finds out which of the two it is, and says what is wrong. A body that is taken here is taken
there with the same meaning; a test holds the two to that.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Union

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shared.catalogue import Catalogue
from shared.languages import LANGUAGES
from shared.web.strict_json import BODY_BYTES_MAX

CHANNELS = ("in_person", "phone", "mail", "email", "home", "remote")
NEEDS = ("interpreter", "reader")
"""Whom a visit needs so that desk and visitor understand one another: an interpreter, a public writer."""
REQUESTS_MAX = 20
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
KEY = r"^[\x21-\x7e]{1,255}$"
# Of the many ways to write a moment, those that Python reads as pydantic does.
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.(\d{3}|\d{6}))?(Z|[+-](0\d|1[0-4]):[0-5]\d)", re.ASCII
)
_KEY_QUOTES = 4
_encode = msgspec.json.Encoder().encode


class Sent(NamedTuple):
    """A body as it was sent. What was left out of `visit` is UNSET, and false; `text` is the visit written plainly."""

    visit: Any
    text: bytes
    happened_at: datetime | None
    key: str | None = None


class PlainForms:
    """The forms of one catalogue, for bodies that hold no surprise."""

    def __init__(self, catalogue: Catalogue) -> None:
        options: dict[str, Any] = {"frozen": True, "forbid_unknown_fields": True, "kw_only": True}
        request: Any = msgspec.defstruct(
            "RequestBody",
            [
                ("category", _one_of(category.code for category in catalogue.categories)),
                _may_be_left_out("topic", _one_of(topic.code for topic in catalogue.topics), None),
                _may_be_left_out("partner", _one_of(partner.code for partner in catalogue.partners), None),
                _may_be_left_out("answered", bool),
                _may_be_left_out("safe_to_contact", bool, None),
            ],
            **options,
        )
        need: Any = _one_of(NEEDS)
        members: list[Any] = [
            _may_be_left_out("site", _one_of(site.code for site in catalogue.sites)),
            _may_be_left_out("channel", _one_of(CHANNELS)),
            _may_be_left_out("occurred_at", str, None),
            _may_be_left_out("case_id", Annotated[str, Meta(pattern=UUID)], None),
            ("requests", Annotated[tuple[request, ...], Meta(min_length=1, max_length=REQUESTS_MAX)]),
            _may_be_left_out("language", _one_of(LANGUAGES), None),
            _may_be_left_out("needs", Annotated[tuple[need, ...], Meta(max_length=len(NEEDS))]),
            _may_be_left_out("children", bool),
            _may_be_left_out("arrival_id", Annotated[str, Meta(pattern=UUID)], None),
        ]
        self._visit: Any = msgspec.defstruct("VisitBody", members, **options)
        key = ("idempotency_key", Annotated[str, Meta(pattern=KEY)])
        line = msgspec.defstruct("LineBody", [*members, key], **options)
        self._decode_visit = msgspec.json.Decoder(self._visit).decode
        self._decode_line = msgspec.json.Decoder(line).decode

    def read_visit(self, body: bytes) -> Sent | None:
        """One body of `POST /visits`."""
        try:
            visit: Any = self._decode_visit(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        return _unsurprising(body, visit, None)

    def read_line(self, body: bytes) -> Sent | None:
        """One line of a batch."""
        try:
            line: Any = self._decode_line(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        visit = self._visit(**{name: getattr(line, name) for name in self._visit.__struct_fields__})
        return _unsurprising(body, visit, line.idempotency_key)

    def made_of(self, members: dict[str, Any]) -> Sent:
        """The same of a body that went the long way: its members, those that were left out missing."""
        key = members.pop("idempotency_key", None)
        visit = msgspec.convert(members, self._visit)
        return Sent(visit, _encode(visit), _moment(visit.occurred_at), key)

    @staticmethod
    def at(visit: Any, occurred_at: str) -> bytes:
        """The visit's text with its moment written otherwise."""
        return _encode(msgspec.structs.replace(visit, occurred_at=occurred_at))


def _unsurprising(body: bytes, visit: Any, key: str | None) -> Sent | None:
    text = _encode(visit)
    # msgspec takes the last of two equal keys. Every key and every text has two quotes, and without a backslash
    # nothing else has: a body with a key too many has more of them than what was read from it.
    quotes = text.count(b'"') + (_KEY_QUOTES if key else 0)
    is_doubled = visit.needs and len(set(visit.needs)) < len(visit.needs)
    if is_doubled or b"\\" in body or body.count(b'"') != quotes or len(body) > BODY_BYTES_MAX:
        return None
    if not visit.occurred_at and visit.occurred_at != "":
        return Sent(visit, text, None, key)
    try:
        return Sent(visit, text, _moment(visit.occurred_at), key) if _MOMENT.fullmatch(visit.occurred_at) else None
    except ValueError:
        return None


def _moment(occurred_at: Any) -> datetime | None:
    return datetime.fromisoformat(occurred_at) if occurred_at else None


def _one_of(codes: Iterable[str]) -> Any:
    # Without any code there is nothing to choose: null is all that is left.
    return Literal[chosen] if (chosen := tuple(codes)) else None


def _may_be_left_out(name: str, *kinds: Any) -> tuple[str, Any, Any]:
    return name, Union[(*kinds, UnsetType)], UNSET
