"""The pages of one service: its templates in each language, its static files, and one page being answered."""

import gzip
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from shared.web.pages import language as languages
from shared.web.pages.forms import posted
from shared.web.pages.language import CODES, Language, chosen, language_of
from shared.web.pages.menu import Menu
from shared.web.pages.notices import COOKIE as NOTICE_COOKIE
from shared.web.pages.notices import Notice, notice_left
from shared.web.pages.reader import Reader, reader_of
from shared.web.pages.statics import Statics

TEMPLATES = Path(__file__).parent / "templates"
REMEMBERED_S = 365 * 24 * 3600
PACKED_FROM_BYTES = 1_000
PACKED_LEVEL = 5
PAGE_HEADERS = {
    # Pico draws its arrows and ticks as `data:` images.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    ),
    # With `no-referrer` a browser says `Origin: null` with our own forms, and they could not be told from others.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Vary": "Accept-Encoding, Accept-Language, Cookie",
}

Form = TypeVar("Form", bound=BaseModel)


@dataclass
class Pages:
    """What the pages of a service are made from. `folder` holds its `templates`, `static` and `locale`."""

    folder: Path
    house: str
    menu: Menu | None = None
    _environments: dict[str, Environment] = field(default_factory=dict)

    @cached_property
    def statics(self) -> Statics:
        """Its styles and scripts, with those of all pages."""
        own = self.folder / "static"
        return Statics(self.folder.name, [own] if own.is_dir() else [])

    def language(self, code: str) -> Language:
        """A language with its texts."""
        return language_of(code, [self.folder / "locale"])

    def environment(self, code: str) -> Environment:
        """The templates in one language. Built when the first page asks for it."""
        if code not in self._environments:
            self._environments[code] = self._build(self.language(code))
        return self._environments[code]

    def _build(self, language: Language) -> Environment:
        environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(self.folder / "templates"), FileSystemLoader(TEMPLATES)]),
            extensions=["jinja2.ext.i18n"],
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            language.texts.gettext, language.texts.ngettext, newstyle=True
        )
        environment.globals |= {
            "house": self.house,
            "menu": self.menu,
            "language": language,
            "languages": CODES,
            "static": self.statics.address,
        }
        environment.filters |= {
            "number": language.number,
            "percent": language.percent,
            "day": language.day,
            "short_day": language.short_day,
            "clock": language.clock,
        }
        return environment


class Page:
    """One page being answered: who asked, in which language, and the ways to answer."""

    def __init__(self, pages: Pages, request: Request, asked_language: str | None) -> None:
        self.request = request
        self._pages, self._asked_language = pages, asked_language
        code = chosen(asked_language, request.cookies, request.headers.get("accept-language", ""))
        self.language = pages.language(code)
        self.notice: Notice | None = notice_left(request.cookies)
        self.reader: Reader | None = reader_of(request)

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return self.request.url.path

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks, for a part of a page."""
        return "hx-request" in self.request.headers and "hx-boosted" not in self.request.headers

    def is_left(self) -> None:
        """Its reader has just signed out."""
        self.reader = None

    def in_language(self, code: str) -> str:
        """This page's address in another language."""
        kept = parse_qsl(self.request.url.query, keep_blank_values=True)
        return f"{self.path}?{urlencode([*kept, ('lang', code)])}"

    def text(self, template: str, **facts: Any) -> str:
        """A template, filled, as text: what a stream sends."""
        environment = self._pages.environment(self.language.code)
        return environment.get_template(template).render(page=self, **{"faults": None, **facts})

    def render(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A whole page. It shows the notice that the page before left, and the next one does not."""
        answer = self._html(self.text(template, **facts), status)
        if self.notice:
            answer.delete_cookie(NOTICE_COOKIE, httponly=True, samesite="strict")
        if self._asked_language in CODES:
            answer.set_cookie(languages.COOKIE, self.language.code, max_age=REMEMBERED_S, httponly=True, samesite="lax")
        return answer

    def fragment(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A part of a page; the notice waits for a whole one."""
        return self._html(self.text(template, **facts), status)

    def redirect(self, to: str, notice: Notice | None = None) -> Response:
        """After a POST: go and look there (303), where the notice is shown. `to` is a path of ours."""
        assert to.startswith("/"), "redirects lead to our own pages"
        answer = RedirectResponse(to, 303)
        if notice:
            notice.leave(answer, secure=self.request.url.scheme == "https")
        return answer

    async def form(self, form: type[Form]) -> Form:
        """The form that was sent. Raises `FormFaults`: show the page again with its faults and what was typed."""
        return await posted(self.request, form)

    def _html(self, text: str, status: int) -> Response:
        body = text.encode()
        headers = dict(PAGE_HEADERS)
        if len(body) >= PACKED_FROM_BYTES and "gzip" in self.request.headers.get("accept-encoding", ""):
            body, headers["Content-Encoding"] = gzip.compress(body, PACKED_LEVEL, mtime=0), "gzip"
        return HTMLResponse(body, status, headers)
