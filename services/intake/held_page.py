"""Everything held on somebody as a page that prints: for the one it is held on, handed over by who answers for it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from markupsafe import Markup
from starlette.responses import Response

from services.intake.asking import who_asks
from services.intake.exporting import export
from services.intake.pages.board import CHANNEL_WORDS, STATE_WORDS
from services.intake.persons import People
from services.intake.refused import refusals_told
from services.intake.seals.sealed import Seals
from shared.catalogue import Catalogue
from shared.database import Database
from shared.log import Log
from shared.web.pages import Asked, Language, PageRouter, Pages, mark
from shared.web.pages.statics import FOLDER

_STYLES = ("pico.css", "theme.css")
_FIELDS: Mapping[str, str] = {
    "given_name": mark("Prénom"),
    "family_name": mark("Nom"),
    "birth_date": mark("Date de naissance"),
    "phone": mark("Téléphone"),
    "email": mark("Courriel"),
    "address": mark("Adresse"),
    "language": mark("Langue"),
    "safe_to_contact": mark("Peut être contactée sans danger"),
}
_YES, _NO = mark("oui"), mark("non")
_DONE: Mapping[str, str] = {
    "read": mark("identité lue"),
    "search": mark("trouvée par son nom"),
    "correction": mark("identité corrigée"),
    "disclosure": mark("identité donnée à un partenaire"),
    "note": mark("note écrite"),
    "read-notes": mark("notes lues"),
    "export": mark("tout ce qui est conservé, remis"),
    "seal": mark("dossier mis sous scellés"),
    "unseal": mark("scellés levés"),
    "open-sealed": mark("dossier sous scellés ouvert"),
    "read-sealed": mark("dossier sous scellés lu"),
}
"""What the trail of readings says, in words; anything else by its code."""


def held_page(people: People, seals: Seals, log: Log, database: Database, catalogue: Catalogue) -> APIRouter:
    """`/people/{person_id}/export/page`. Reading it is on record, as the export is."""
    router = PageRouter()

    @router.get("/people/{person_id}/export/page")
    async def read(page: Asked, person_id: str) -> Response:
        scope = await who_asks(page.request)
        with refusals_told():
            await seals.check_person(person_id)
            document = await export(people, log, database, scope, person_id)
        return page.render("held.html", layout="base.html", **_facts(document, catalogue, page.language))

    return router


def as_document(pages: Pages, catalogue: Catalogue, document: Mapping[str, Any], code: str) -> str:
    """The same as one HTML file that needs nothing beside it. `document`: as the export gives it."""
    style = "\n".join((FOLDER / name).read_text() for name in _STYLES)
    facts = _facts(document, catalogue, pages.language(code))
    template = pages.environment(code).get_template("held.html")
    # Our own style sheets, which hold nothing that would end the element.
    return template.render(layout="held_alone.html", page=None, style=Markup(style), **facts)  # noqa: S704


def pages_of(catalogue: Catalogue) -> Pages:
    """What it is made from where no service runs."""
    return Pages(Path(__file__).parent, catalogue.name)


def identity_words(identity: Mapping[str, Any], language: Language) -> list[tuple[str, str]]:
    """What is known of somebody, each with what it is called."""
    text = language.gettext

    def said(name: str, value: str | bool) -> str:
        if isinstance(value, bool):
            return text(_YES if value else _NO)
        if name == "birth_date":
            return language.short_day(date.fromisoformat(value))
        return str(language.locale.languages.get(value, value)) if name == "language" else value

    return [
        (text(words), said(name, value)) for name, words in _FIELDS.items() if (value := identity.get(name)) is not None
    ]


def _facts(document: Mapping[str, Any], catalogue: Catalogue, language: Language) -> dict[str, Any]:
    text = language.gettext
    identity = identity_words(document["identity"], language)
    cases = [
        {**case, "visits": [_visit(visit, catalogue, language) for visit in case["visits"]]}
        for case in document["cases"]
    ]
    readings = [
        (_minute(one["at"]), text(_DONE.get(one["what"], one["what"])), one["role"], one["name"])
        for one in document["readings"]
    ]
    notes = [(_minute(note["recorded_at"]), note["author"], note["text"]) for note in document["notes"]]
    return {"held": document, "identity": identity, "cases": cases, "notes": notes, "readings": readings}


def _minute(moment: str) -> str:
    """A moment to the minute, in its own offset, which is told where it is not the site's."""
    return moment[:16].replace("T", " ") + (" UTC" if moment.endswith("Z") else "")


def _visit(visit: Mapping[str, Any], catalogue: Catalogue, language: Language) -> dict[str, Any]:
    site = catalogue.sites_by_code.get(visit["site"])
    return {
        "at": _minute(visit["occurred_at"]),
        "site": site.name if site else visit["site"],
        "channel": language.gettext(CHANNEL_WORDS.get(visit["channel"], visit["channel"])),
        "voided": visit["voided_for"] is not None,
        "requests": [_request(request, catalogue, language) for request in visit["requests"]],
    }


def _request(request: Mapping[str, Any], catalogue: Catalogue, language: Language) -> dict[str, Any]:
    category = catalogue.categories_by_code.get(request["category"])
    topic = catalogue.topics_by_code.get(request["topic"] or "")
    partners = catalogue.partners_by_code
    return {
        "category": language.pick(category.label_fr, category.label_en) if category else request["category"],
        "topic": language.pick(topic.label_fr, topic.label_en) if topic else request["topic"],
        "referrals": [
            (
                partners[one["partner"]].name if one["partner"] in partners else one["partner"],
                language.gettext(STATE_WORDS.get(one["status"], one["status"])),
            )
            for one in request["referrals"]
        ],
    }
