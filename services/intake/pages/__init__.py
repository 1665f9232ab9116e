"""The front desk in a browser: the visit, the day, the slip, the paper tally."""

from fastapi import APIRouter

from services.intake.pages.desk import Desk, desk_router
from services.intake.pages.paper import paper_router
from services.intake.pages.slip import slip_router
from services.intake.recording import Recording
from services.intake.today import Today
from shared.catalogue import Catalogue
from shared.database import Database
from shared.log import Log
from shared.web.pages import NavLink, mark

DESK_NAV = (NavLink("/desk", mark("Accueil")), NavLink("/desk/tally", mark("Journée sur papier")))


def desk_pages(log: Log, database: Database, catalogue: Catalogue, recording: Recording) -> list[APIRouter]:
    """The routers of the front desk's pages, for `add_pages`."""
    desk = Desk(log, database, catalogue, recording, Today(log))
    return [paper_router(desk), desk_router(desk), slip_router(desk)]
