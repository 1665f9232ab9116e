"""The city's yearly review as a page that prints, and as a document of its own."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.dates import get_month_names
from fastapi import APIRouter
from starlette.responses import Response

from services.stats.city_review import city_review, published_years
from services.stats.closing import PUBLISHED
from services.stats.definitions import DEFINITIONS
from services.stats.pages.labels import DIMENSIONS, Labels
from services.stats.pages.reviewing import alone, known_site
from shared.catalogue import Catalogue
from shared.database import Database
from shared.web.pages import Asked, Language, PageRouter, Pages
from shared.web.parameters import Year

NEWEST = "/published"


def facts(document: Mapping[str, Any], catalogue: Catalogue, language: Language) -> dict[str, Any]:
    """What the template is filled with, but for its frame."""
    labels = Labels(catalogue, language)
    return {
        "review": document,
        "year": document["year"],
        "published_on": date.fromisoformat(document["published_on"]),
        "site_name": labels.of("site", document["site"]) if document["site"] else "",
        "figures": list(document["figures"].items()),
        "divided": PUBLISHED,
        "label": labels.of,
        "months": get_month_names("wide", context="stand-alone", locale=language.locale),
        "definitions": DEFINITIONS,
        "words": DIMENSIONS,
    }


def city_review_pages(catalogue: Catalogue, database: Database) -> APIRouter:
    """`/report/{year}/city/page`, and the way to the newest."""
    router = PageRouter()

    @router.get(NEWEST)
    async def newest(page: Asked, year: Year | None = None, site: str = "") -> Response:
        """Also where the form leads that chooses a year."""
        years = await database.read(published_years)
        if year is None and not years:
            return page.render("city_review_none.html", years=())
        query = f"?site={known_site(catalogue, site)}" if site else ""
        return page.redirect(f"/report/{year or years[0]}/city/page{query}")

    @router.get("/report/{year}/city/page")
    async def show(page: Asked, year: Year, site: str = "") -> Response:
        known = known_site(catalogue, site) or None
        document = await database.read(lambda connection: city_review(connection, year, known))
        if document is None:
            return page.render("city_review_none.html", 404, years=await database.read(published_years))
        return page.render(
            "city_review.html", layout="base.html", choices=catalogue.sites, **facts(document, catalogue, page.language)
        )

    return router


def as_document(pages: Pages, catalogue: Catalogue, document: Mapping[str, Any], code: str) -> str:
    """The review as one HTML file that needs nothing beside it. `document`: as `GET /report/{year}/city` gives it."""
    return alone(pages, "city_review.html", code, facts(document, catalogue, pages.language(code)))
