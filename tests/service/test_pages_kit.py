"""What every page stands on: languages, forms without scripts, static files, problems in words."""

import gzip
import re
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from shared.catalogue import load_catalogue
from shared.database import StoreUnavailable
from shared.settings import HOUSES, Settings
from shared.web.idempotency import InFlight
from shared.web.pages import (
    Asked,
    FormFaults,
    Menu,
    Notice,
    PageRouter,
    Pages,
    add_pages,
    deadline,
    language_of,
    messages,
    moment,
)
from shared.web.pages.language import chosen
from shared.web.pages.statics import FOLDER
from shared.web.pages.telling import told
from shared.web.pages.vendoring import vendor
from shared.web.pages.words import Deadline
from shared.web.problems import Problem, not_found

PARIS = ZoneInfo("Europe/Paris")
CATALOGUE = load_catalogue(next(HOUSES.glob("*.toml")))
TRANSFERRED_BYTES_MAX = 100_000
TRY = """{% extends "base.html" %}{% from "parts.html" import fault_summary, choice, done with context %}
{% block title %}Essai{% endblock %}
{% block notice %}
{% if page.notice %}{% call done("Fait : " ~ page.notice.kind) %}{% endcall %}{% endif %}
{% endblock %}
{% block content %}{{ fault_summary(faults, {"reason": "Motif"}) }}
<form method="post">{{ choice("reason", "Motif", [("moved", "Parti")], typed, faults) }}<button>OK</button></form>
<p>{{ asked }}</p>{% endblock %}"""


class Why(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(max_length=8)]
    days: list[int] = []


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A service with one page, reached as a browser reaches it."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "try.html").write_text(TRY)
    router = PageRouter()

    @router.get("/try")
    async def shown(page: Asked, q: str = "") -> Response:
        return page.render("try.html", asked=q, typed={})

    @router.post("/try")
    async def taken(page: Asked) -> Response:
        try:
            form = await page.form(Why)
        except FormFaults as faults:
            return page.render("try.html", 422, faults=faults, typed=faults.typed, asked="")
        return page.redirect("/try", Notice("done", (form.reason, str(sum(form.days)))))

    @router.get("/lost")
    async def lost(page: Asked) -> Response:
        raise not_found("referral")

    @router.get("/broken")
    async def broken(page: Asked) -> Response:
        raise StoreUnavailable("away")

    app = FastAPI()
    add_pages(app, Pages(tmp_path, "Maison inventée", Menu("stats", Settings(), CATALOGUE)), router)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://house.example") as client:
        yield client


async def test_a_page_is_french_unless_somebody_asks_for_english(site: httpx.AsyncClient) -> None:
    plain = await site.get("/try")
    assert '<html lang="fr"' in plain.text
    assert "Aller au contenu" in plain.text
    english = await site.get("/try", params={"lang": "en"})
    assert '<html lang="en"' in english.text
    assert "Go to the content" in english.text
    assert '<html lang="en"' in (await site.get("/try")).text
    assert '<html lang="fr"' in (await site.get("/try", params={"lang": "xx"}, headers={"Cookie": "lang=tr"})).text


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "fr"),
        ("en-GB,en;q=0.9", "en"),
        ("tr, en;q=0.5, fr;q=0.7", "fr"),
        ("en;q=0, de", "fr"),
        ("en;q=oops, ;;,", "fr"),
    ],
)
def test_the_browser_says_which_language_it_prefers(accepted: str, code: str) -> None:
    assert chosen(None, {}, accepted) == code


async def test_what_was_sent_is_shown_as_text_and_never_as_markup(site: httpx.AsyncClient) -> None:
    answer = await site.get("/try", params={"q": "<script>alert(1)</script>"})
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_a_page_runs_no_script_of_anybody_else_and_is_kept_by_nobody(site: httpx.AsyncClient) -> None:
    answer = await site.get("/try")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]+src=)|<style|\sstyle=|\son[a-z]+=", answer.text)
    assert not re.search(r'(?:src|action|<link[^>]+href)="(?:https?:)?//', answer.text)
    # A link may lead to another service of the house: the same host, another port.
    assert set(re.findall(r'href="(https?:)?//([^:/"]*)', answer.text)) == {("http:", "house.example")}


async def test_the_address_of_the_house_alone_leads_to_its_first_page(site: httpx.AsyncClient) -> None:
    answer = await site.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/figures")


async def test_a_form_is_answered_by_a_redirect_and_its_notice_is_shown_once(site: httpx.AsyncClient) -> None:
    answer = await site.post("/try", data={"reason": "moved", "days": ["1", "2"]})
    assert (answer.status_code, answer.headers["location"]) == (303, "/try")
    assert answer.cookies["notice"] == "done.moved.3"
    assert "Fait : done" in (await site.get("/try")).text
    assert "Fait : done" not in (await site.get("/try")).text


async def test_a_form_at_fault_comes_back_with_what_was_typed_and_what_to_do(site: httpx.AsyncClient) -> None:
    answer = await site.post("/try", data={"reason": "much too long", "surprise": "1"})
    assert answer.status_code == 422
    assert "<title>Erreur" in answer.text
    assert '<a href="#field-reason">Motif – Raccourcissez ce texte.</a>' in answer.text
    assert 'role="alert" tabindex="-1" autofocus' in answer.text
    assert 'aria-describedby="fault-reason"' in answer.text
    empty = await site.post("/try", data={"reason": "  "})
    assert "Indiquez une réponse." in empty.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Origin": "http://house.example"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Content-Type": "application/json"}, 415),
    ],
)
async def test_a_form_of_another_site_is_refused(site: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    assert (await site.post("/try", data={"reason": "moved"}, headers=headers)).status_code == status


async def test_a_form_is_bounded(site: httpx.AsyncClient) -> None:
    assert (await site.post("/try", data={"reason": "x" * 70_000})).status_code == 413
    assert (await site.post("/try", data={f"f{number}": "1" for number in range(300)})).status_code == 400
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await site.post("/try", content=b"reason=%ff", headers=headers)).status_code == 400
    assert (await site.post("/try", content="reason=é".encode(), headers=headers)).status_code == 400


async def test_a_refusal_is_a_page_in_words(site: httpx.AsyncClient) -> None:
    lost = await site.get("/lost")
    assert lost.status_code == 404
    assert "Cette page n’existe pas" in lost.text
    broken = await site.get("/broken", params={"lang": "en"})
    assert (broken.status_code, broken.headers["retry-after"]) == (503, "2")
    assert "The software does not answer at the moment" in broken.text


async def test_an_address_that_there_is_not_is_a_page_for_a_browser(site: httpx.AsyncClient) -> None:
    answer = await site.get("/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert "Cette page n’existe pas" in answer.text
    assert "html" not in (await site.get("/nowhere")).headers["content-type"]


async def test_styles_and_scripts_may_be_kept_for_a_year_under_the_address_of_their_content(
    site: httpx.AsyncClient,
) -> None:
    text = (await site.get("/try")).text
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert len(addresses) == 6
    for address in addresses:
        answer = await site.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}[address.rpartition(".")[2]]
        assert answer.headers["content-type"].startswith(kind)
        plain = await site.get(address, headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
    for stale in ("/static/0000000000000000/pico.css", "/static/x/vendored.toml", "/static/x/..%2fapp.py"):
        assert (await site.get(stale)).status_code == 404


async def test_a_page_with_everything_is_small(site: httpx.AsyncClient) -> None:
    text = (await site.get("/try")).text
    names = [address.rpartition("/")[2] for address in re.findall(r'"(/static/[^"]+)"', text)]
    packed = sum(len(gzip.compress((FOLDER / name).read_bytes(), 9)) for name in names)
    # The other half is for the page's own content.
    assert packed < TRANSFERRED_BYTES_MAX / 2


def test_the_work_of_others_is_kept_with_its_licence() -> None:
    for name in ("pico", "htmx", "htmx-sse"):
        assert (FOLDER / f"{name}.LICENSE").read_text()
    assert vendor.__doc__


@pytest.mark.parametrize("owner", messages.OWNERS)
def test_every_text_has_its_english_and_no_english_is_left_over(owner: str) -> None:
    assert list(messages.untranslated(owner)) == [], "make messages, then write what is missing"
    assert list(messages.unused(owner)) == [], "make messages"


@pytest.mark.parametrize("owner", messages.OWNERS)
def test_english_keeps_the_facts_of_the_french(owner: str) -> None:
    for message in messages.catalogue(owner):
        if message.id:
            french = message.id if isinstance(message.id, str) else message.id[-1]
            english = message.string if isinstance(message.string, str) else (message.string or [""])[-1]
            assert set(re.findall(r"%\((\w+)\)", french)) == set(re.findall(r"%\((\w+)\)", english)), french


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of March 2008; the 11th is a Tuesday."""
    return datetime(2008, 3, day, hour, minute, tzinfo=PARIS)


@pytest.mark.parametrize(
    ("when", "fr", "en"),
    [
        (at(11, 17), "aujourd’hui 17 h", "today 5 pm"),
        (at(12, 9, 30), "demain 9 h 30", "tomorrow 9:30 am"),
        (at(10, 11, 5), "hier 11 h 05", "yesterday 11:05 am"),
        (at(14, 17), "vendredi 17 h", "Friday 5 pm"),
        (at(20, 8), "jeudi 20 mars, 8 h", "Thursday 20 March, 8 am"),
        (at(3, 8), "lundi 3 mars, 8 h", "Monday 3 March, 8 am"),
        (datetime(2009, 1, 5, 8, tzinfo=PARIS), "lundi 5 janvier 2009, 8 h", "Monday 5 January 2009, 8 am"),
    ],
)
def test_a_moment_is_told_as_somebody_would_say_it(when: datetime, fr: str, en: str) -> None:
    now = at(11, 10)
    assert moment(language_of("fr"), when, now).replace("\u00a0", " ") == fr
    assert moment(language_of("en"), when, now).replace("\u00a0", " ").replace("\u202f", " ") == en


@pytest.mark.parametrize(
    ("due", "now", "words", "late"),
    [
        (at(12, 17), at(11, 10), "avant demain 17 h", False),
        (at(11, 17), at(11, 18), "en retard depuis aujourd’hui 17 h", True),
        (at(10, 17), at(11, 10), "en retard de 1 jour ouvré", True),
        (at(7, 17), at(11, 10), "en retard de 2 jours ouvrés", True),
        (at(7, 17), at(9, 10), "en retard depuis vendredi 7 mars, 17 h", True),
    ],
)
def test_a_deadline_is_told_in_business_days(due: datetime, now: datetime, words: str, late: bool) -> None:
    told = deadline(language_of("fr"), due, now, lambda day: day.weekday() < 5)
    assert told == Deadline(told.words, late=late, urgent=told.urgent)
    assert told.words.replace("\u00a0", " ") == words


def test_numbers_are_written_as_each_language_writes_them() -> None:
    french, english = language_of("fr"), language_of("en")
    assert french.number(2143).replace("\u202f", " ") == "2 143"
    assert english.number(2143) == "2,143"
    assert french.percent(0.125) == "12,5\u202f%"
    assert english.short_day(date(2008, 3, 11)) == "11/03/2008"
    assert french.ngettext("%(num)s jour", "%(num)s jours", 0) == "0 jour"


def test_no_line_of_french_begins_with_its_punctuation() -> None:
    french, english = language_of("fr"), language_of("en")
    assert french.gettext("Dit : « %(what)s » ?", what="a : b") == "Dit\u00a0: «\u00a0a : b\u00a0»\u202f?"
    assert french.ngettext("%(num)s reste ; fini", "%(num)s restent ; fini", 2) == "2 restent\u202f; fini"
    assert english.gettext("A : B") == "A : B"


def test_a_form_that_is_sent_twice_at_once_is_not_said_to_have_failed() -> None:
    in_flight = InFlight()
    with in_flight.hold("the-key"), pytest.raises(Problem) as twin:
        in_flight.hold("the-key")
    assert told(twin.value)[0] == "C’est en train d’être enregistré"
