"""What the house and the city read of the figures in a browser: the live page, the yearly review, ways to tools."""

from pathlib import Path

from fastapi import APIRouter, FastAPI

from services.stats.live import Live
from services.stats.pages.city_review import city_review_pages
from services.stats.pages.figures import figure_pages
from services.stats.pages.review import review_pages
from services.stats.pages.tools import tool_pages
from shared.catalogue import Catalogue
from shared.database import Database
from shared.web.cursors import Cursors
from shared.web.pages import Menu, Pages, add_pages


def add_figure_pages(
    app: FastAPI, menu: Menu, database: Database, live: Live, cursors: Cursors, *others: APIRouter
) -> None:
    """Serve them, and other pages in their frame."""
    catalogue = menu.catalogue
    add_pages(
        app,
        pages_of(catalogue, menu),
        figure_pages(catalogue, database, live, cursors),
        review_pages(catalogue, database),
        city_review_pages(catalogue, database),
        tool_pages(catalogue, database),
        *others,
    )


def pages_of(catalogue: Catalogue, menu: Menu | None = None) -> Pages:
    """What the pages of figures are made from; without a menu for a document that stands alone."""
    return Pages(Path(__file__).parents[1], catalogue.name, menu)
