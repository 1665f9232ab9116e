"""The languages of the pages: French, which the texts are written in, and English, from `locale/en.po` files.

The `.po` files are read as they are: nothing has to be compiled, neither in a fresh clone nor in a wheel.
"""

import gettext as gnu
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path

from babel.core import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

CODES = ("fr", "en")
COOKIE = "lang"
LOCALE = Path(__file__).parents[1] / "locale"
_NARROW = re.compile(r" (?=[;?!])")
_WIDE = re.compile(r" (?=[:»])|(?<=«) ")
_DAY = {"fr": "EEEE d MMMM", "en": "EEEE d MMMM"}
_CLOCK = {"fr": "H 'h'", "en": "h a"}
_CLOCK_MINUTES = {"fr": "H 'h' mm", "en": "h:mm a"}


def mark(message: str) -> str:
    """The text itself, noted for translation; whoever shows it translates it."""
    return message


class _French(gnu.NullTranslations):
    """The texts as they are written, their punctuation held to its word. In French nought is singular."""

    def gettext(self, message: str) -> str:
        return _held(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return _held(msgid1 if abs(n) < 2 else msgid2)


# As many as there are texts; what is asked for beyond them must not grow the process.
@lru_cache(maxsize=2048)
def _held(text: str) -> str:
    """French sets a space before `: ; ? !` and within « »: one at which no line breaks."""
    return _WIDE.sub("\u00a0", _NARROW.sub("\u202f", text))


@dataclass(frozen=True)
class Language:
    """One language: its texts, its dates, its numbers."""

    code: str
    locale: Locale
    texts: gnu.NullTranslations

    def gettext(self, message: str, **facts: object) -> str:
        """The text in this language, `%(name)s` filled with facts."""
        text = self.texts.gettext(message)
        return text % facts if facts else text

    def ngettext(self, one: str, several: str, num: int, **facts: object) -> str:
        """The text for one or for several; `%(num)s` is the number."""
        return self.texts.ngettext(one, several, num) % {"num": self.number(num), **facts}

    def pick(self, fr: str, en: str) -> str:
        """Of two texts that the catalogue has, the one in this language."""
        return en if self.code == "en" else _held(fr)

    def number(self, value: float) -> str:
        """2 143 or 2,143."""
        return format_decimal(value, locale=self.locale)

    def percent(self, share: float) -> str:
        """0.125 as 12,5 % or 12.5%."""
        return format_percent(share, "#,##0.#\u202f%" if self.code == "fr" else "#,##0.#%", locale=self.locale)

    def day(self, day: date, *, year: bool = False) -> str:
        """Mardi 11 mars, Tuesday 11 March; with `year` the year too."""
        return format_date(day, _DAY[self.code] + (" y" if year else ""), locale=self.locale)

    def weekday(self, day: date) -> str:
        """Mardi, Tuesday."""
        return format_date(day, "EEEE", locale=self.locale)

    def short_day(self, day: date) -> str:
        """11/03/2008 in both languages: the English is British."""
        return format_date(day, "dd/MM/y", locale=self.locale)

    def clock(self, moment: datetime | time) -> str:
        """17 h, 9 h 30; 5 pm, 9:30 am. The moment's own zone is told: hand it over in the site's."""
        patterns = _CLOCK_MINUTES if moment.minute else _CLOCK
        wall = moment.time() if isinstance(moment, datetime) else moment
        said = format_time(wall, patterns[self.code], locale=self.locale)
        return said.replace(" ", "\u00a0").lower()


def language_of(code: str, folders: Sequence[Path] = ()) -> Language:
    """A language with the texts of all pages and of these `locale` folders."""
    return _language(code, (LOCALE, *folders))


@cache
def _language(code: str, folders: tuple[Path, ...]) -> Language:
    if code == "fr":
        return Language("fr", Locale("fr", "FR"), _French())
    # The texts of all pages are looked up last: a service may say one of them in its own way.
    texts: gnu.NullTranslations = gnu.NullTranslations()
    for folder in folders:
        own = read_texts(folder / f"{code}.po")
        own.add_fallback(texts)
        texts = own
    return Language(code, Locale(code, "GB"), texts)


def read_texts(path: Path) -> gnu.NullTranslations:
    """The texts of one `.po` file; none where there is no file."""
    if not path.exists():
        return gnu.NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, path.stem)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gnu.GNUTranslations(compiled)


def chosen(asked: str | None, cookies: Mapping[str, str], accepted: str) -> str:
    """The code of the language to answer in: asked for, else remembered, else what the browser prefers, else French."""
    for code in (asked, cookies.get(COOKIE)):
        if code in CODES:
            return code
    return next((code for code in _preferred(accepted) if code in CODES), CODES[0])


def _preferred(accepted: str) -> list[str]:
    """The languages of an `Accept-Language` header, best first. What cannot be read is passed over."""
    weighed: list[tuple[float, str]] = []
    for part in accepted[:200].split(","):
        name, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if quality > 0:
            weighed.append((-quality, name.strip().lower().partition("-")[0]))
    return [name for _, name in sorted(weighed, key=lambda each: each[0])]
