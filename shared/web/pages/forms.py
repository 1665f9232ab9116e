"""Forms as a browser sends them without any script: checked for where they come from, bounded, read into a model."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from shared.web.body import require_type
from shared.web.exchange import ClientGone, read_body
from shared.web.pages.language import mark
from shared.web.problems import Problem, field_name

FORM_BYTES_MAX = 64 * 1024
FIELDS_MAX = 200
FORM_TYPE = (b"application/x-www-form-urlencoded",)

Form = TypeVar("Form", bound=BaseModel)

_REMEDIES = {
    "missing": mark("Indiquez une réponse."),
    "enum": mark("Choisissez une des réponses proposées."),
    "literal_error": mark("Choisissez une des réponses proposées."),
    "string_too_long": mark("Raccourcissez ce texte."),
    "string_too_short": mark("Complétez ce texte."),
    "int_parsing": mark("Écrivez un nombre entier."),
    "greater_than_equal": mark("Écrivez un nombre plus grand."),
    "less_than_equal": mark("Écrivez un nombre plus petit."),
    "date_from_datetime_parsing": mark("Écrivez une date."),
    "extra_forbidden": mark("Ce champ n’existe pas ici : rechargez la page."),
}
_REMEDY = mark("Cette réponse ne convient pas : corrigez-la.")
_UNSEEN = mark("Ce texte contient un signe qui ne se voit pas : retapez-le au lieu de le coller.")
_UNSEEN_KINDS = ("Cc", "Cf", "Co", "Zl", "Zp")


@dataclass(frozen=True)
class FieldFault:
    """A field at fault and what to do; `remedy` is a marked text."""

    field: str
    remedy: str


@dataclass
class FormFaults(Exception):
    """A form that cannot be taken as it is. Shown again with what was typed, the summary of its faults first."""

    faults: list[FieldFault]
    typed: Mapping[str, Any] = field(default_factory=dict)

    def remedy(self, name: str) -> str | None:
        """What to do about one field; None when it is well."""
        return next((fault.remedy for fault in self.faults if fault.field == name), None)


def same_origin(request: Request) -> None:
    """Raise the 403 problem for a form that another site has sent. The gate asked before; here it holds without one.

    A browser says where a request comes from in `Sec-Fetch-Site` (on a secure origin) and `Origin`; who sends
    neither is no browser, and carries no cookie of somebody else.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign:
        raise Problem(403, "foreign-form", "A form of another site", "Open the page itself and send its own form.")


async def posted(request: Request, form: type[Form], *, from_anywhere: bool = False) -> Form:
    """The form that was sent. Raises `FormFaults`, or the 400, 403, 413 or 415 problem.

    An empty field counts as left out; a field of the model that is a list takes each time the name was sent.
    `from_anywhere`: for an address that is itself the secret, so that no other site could have sent it.
    """
    if not from_anywhere:
        same_origin(request)
    typed = await _typed(request, form)
    try:
        return form.model_validate(typed)
    except ValidationError as error:
        raise FormFaults(_faults(error), typed) from None


async def fields_sent(request: Request) -> list[tuple[str, str]]:
    """The fields of a form, as they came. Raises the 400, 413 or 415 problem."""
    require_type(request.headers.get("content-type", "").encode("latin-1"), FORM_TYPE)
    try:
        body = await read_body(request.receive, FORM_BYTES_MAX)
    except ClientGone:
        raise Problem(400, "cut-off", "The body never ended", "Send it again, whole.") from None
    try:
        return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError:
        raise Problem(400, "unreadable-form", "Not a form", "Send the page's own form.") from None


async def _typed(request: Request, form: type[BaseModel]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in await fields_sent(request):
        if value.strip():
            # A browser ends lines by two characters, and counts one of them against `maxlength`.
            found.setdefault(field_name(name), []).append(value.strip().replace("\r\n", "\n"))
    return {name: values if _is_list(form, name) else values[-1] for name, values in found.items()}


def _is_list(form: type[BaseModel], name: str) -> bool:
    known = form.model_fields.get(name)
    return known is not None and getattr(known.annotation, "__origin__", None) in (list, tuple, set, frozenset)


def _faults(error: ValidationError) -> list[FieldFault]:
    faults: dict[str, FieldFault] = {}
    for found in error.errors(include_url=False):
        name = field_name(*found["loc"][:1])
        remedy = _UNSEEN if _has_unseen(found["input"]) else _REMEDY
        faults.setdefault(name, FieldFault(name, _REMEDIES.get(found["type"], remedy)))
    return list(faults.values())


def _has_unseen(typed: Any) -> bool:
    """Whether a text has a sign that a page of text or a mail leaves in what is copied, and no reader finds."""
    return isinstance(typed, str) and any(unicodedata.category(sign) in _UNSEEN_KINDS for sign in typed if sign != "\n")
