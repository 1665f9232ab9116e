"""What an orientation slip says to the visitor: in plain French, and in the languages that are most asked for.

Short sentences, the same in each language. Nobody who was born to Arabic, Turkish or Portuguese has read these yet.
"""

# ruff: noqa: RUF001 - Turkish has a letter i without a dot
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from babel.dates import format_date

from services.intake.pages.proposing import Proposal


class SlipWords(NamedTuple):
    """The words of one language. `{day}`, `{start}` and `{end}` are filled in."""

    name: str
    title: str
    go_to: str
    where: str
    when: str
    here: str
    now: str
    hours: str
    ask_when: str
    bring: str
    question: str
    invited: str
    direction: str = "ltr"


SLIP_WORDS: Mapping[str, SlipWords] = {
    "fr": SlipWords(
        name="Français",
        title="Votre orientation",
        go_to="Allez voir",
        where="Où",
        when="Quand",
        here="à l’accueil de la maison",
        now="maintenant, jusqu’à {end}",
        hours="{day}, de {start} à {end}",
        ask_when="Demandez à l’accueil quand venir.",
        bring="Apportez vos papiers et vos courriers.",
        question="Une question ? Demandez à l’accueil.",
        invited="Vous y êtes invités avec vos enfants. Montrez ce code.",
    ),
    "en": SlipWords(
        name="English",
        title="Where to go",
        go_to="Please go to",
        where="Where",
        when="When",
        here="the front desk of the house",
        now="now, until {end}",
        hours="{day}, from {start} to {end}",
        ask_when="Ask at the front desk when to come.",
        bring="Bring your papers and your letters.",
        question="Any question? Ask at the front desk.",
        invited="You are invited there with your children. Show this code.",
    ),
    "ar": SlipWords(
        name="العربية",
        title="إلى أين تذهب",
        go_to="اذهب إلى",
        where="أين",
        when="متى",
        here="مكتب الاستقبال في الدار",
        now="الآن، حتى الساعة {end}",
        hours="{day}، من الساعة {start} إلى الساعة {end}",
        ask_when="اسأل مكتب الاستقبال متى تأتي.",
        bring="أحضر أوراقك ورسائلك.",
        question="لديك سؤال؟ اسأل مكتب الاستقبال.",
        invited="أنتم مدعوون إلى هناك مع أطفالكم. أظهروا هذا الرمز.",
        direction="rtl",
    ),
    "tr": SlipWords(
        name="Türkçe",
        title="Nereye gideceksiniz",
        go_to="Gideceğiniz yer",
        where="Nerede",
        when="Ne zaman",
        here="evin danışma masası",
        now="şimdi, saat {end} olana kadar",
        hours="{day}, saat {start} ile {end} arası",
        ask_when="Ne zaman geleceğinizi danışmaya sorun.",
        bring="Belgelerinizi ve mektuplarınızı getirin.",
        question="Sorunuz mu var? Danışmaya sorun.",
        invited="Çocuklarınızla birlikte oraya davetlisiniz. Bu kodu gösterin.",
    ),
    "pt": SlipWords(
        name="Português",
        title="Aonde ir",
        go_to="Dirija-se a",
        where="Onde",
        when="Quando",
        here="a receção da casa",
        now="agora, até às {end}",
        hours="{day}, das {start} às {end}",
        ask_when="Pergunte na receção quando deve vir.",
        bring="Traga os seus documentos e as suas cartas.",
        question="Alguma dúvida? Pergunte na receção.",
        invited="Está convidado a ir lá com os seus filhos. Mostre este código.",
    ),
}


def when_said(code: str, place: Proposal, at: datetime) -> str:
    """When to go there, in that language. `at` (aware): now, if the partner may be met at once."""
    words = SLIP_WORDS[code]
    if place.start is None or place.end is None:
        return words.ask_when
    end = _clock(code, place.end)
    if place.now and place.start <= at < place.end:
        return words.now.format(end=end)
    day = format_date(place.start.date(), "EEEE d MMMM", locale=code)
    return words.hours.format(day=day, start=_clock(code, place.start), end=end)


def _clock(code: str, moment: datetime) -> str:
    if code == "fr":
        return f"{moment:%-H}\u00a0h\u00a0{moment:%M}" if moment.minute else f"{moment:%-H}\u00a0h"
    return f"{moment:%H:%M}"
