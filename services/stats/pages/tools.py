"""The page that tells how other tools read what was published: Excel, Power BI, Metabase, Superset, Grafana."""

from fastapi import APIRouter
from starlette.responses import Response

from services.stats.bi.postgresql import SCHEMA
from services.stats.bi.role import ROLE
from services.stats.bi.sqlite import FILE
from services.stats.bi.star import TABLES
from services.stats.definitions import DEFINITIONS
from services.stats.published import FIGURES
from shared.catalogue import Catalogue
from shared.database import Database
from shared.web.pages import Asked, PageRouter


def tool_pages(catalogue: Catalogue, database: Database) -> APIRouter:
    """The one page. It names addresses as the reader reached it: they are typed into another programme."""
    router = PageRouter()

    @router.get("/figures/bi")
    async def tools(page: Asked) -> Response:
        return page.render(
            "figures_tools.html",
            base=str(page.request.base_url).rstrip("/"),
            figures=FIGURES,
            definitions=DEFINITIONS,
            file=FILE,
            tables=TABLES,
            on_postgresql=not database.is_sqlite,
            schema=SCHEMA,
            role=ROLE,
            secrecy=catalogue.secrecy,
        )

    return router
