"""What the house and the city read of the figures in a browser: the live page, the yearly review, ways to tools."""

from pathlib import Path

from fastapi import APIRouter, FastAPI

from services.stats.live import Live
from services.stats.pages.city_review import CITY_NAV, city_review_pages
from services.stats.pages.figures import figure_pages
from services.stats.pages.review import review_pages
from services.stats.pages.tools import tool_pages
from shared.catalogue import Catalogue
from shared.database import Database
from shared.web.cursors import Cursors
from shared.web.pages import NavLink, Pages, add_pages, mark


def add_figure_pages(
    app: FastAPI, catalogue: Catalogue, database: Database, live: Live, cursors: Cursors, *others: APIRouter
) -> None:
    """Serve them, and other pages in their frame."""
    add_pages(
        app,
        pages_of(catalogue),
        figure_pages(catalogue, database, live, cursors),
        review_pages(catalogue, database),
        city_review_pages(catalogue, database),
        tool_pages(catalogue, database),
        *others,
    )


def pages_of(catalogue: Catalogue) -> Pages:
    """What the pages of figures are made from."""
    nav = [NavLink("/figures", mark("Chiffres")), NavLink("/report", mark("Bilan de l’année")), CITY_NAV]
    return Pages(Path(__file__).parents[1], catalogue.name, nav)
