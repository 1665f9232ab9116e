"""The front desk in a browser: the visit, the day, the slip, the paper tally."""

from fastapi import APIRouter

from services.intake.actions.routes import Attendances
from services.intake.corrections.changes import VisitChanges
from services.intake.corrections.forms import CorrectionForms
from services.intake.invitations.routes import Invitations
from services.intake.pages.actions import ActionPages, action_router
from services.intake.pages.board import other_keys
from services.intake.pages.correcting import Correcting, correcting_router
from services.intake.pages.desk import Desk, desk_router
from services.intake.pages.invitations import invitation_router
from services.intake.pages.paper import paper_router
from services.intake.pages.slip import slip_router
from services.intake.pages.waiting import WaitingRoomPage, waiting_router
from services.intake.recording import Recording
from services.intake.seals.sealed import CheckCase
from services.intake.today import Today
from services.intake.waiting.arrivals import WaitingRooms
from shared.catalogue import Catalogue
from shared.database import Database
from shared.log import Log


def desk_pages(
    log: Log,
    database: Database,
    catalogue: Catalogue,
    recording: Recording,
    rooms: WaitingRooms,
    invitations: Invitations,
    attendances: Attendances,
    check_case: CheckCase,
) -> list[APIRouter]:
    """The routers of the front desk's pages, for `add_pages`."""
    today = Today(log)
    waiting = WaitingRoomPage(rooms, today, catalogue, other_keys(catalogue))
    desk = Desk(log, database, catalogue, recording, today, waiting, check_case)
    return [
        paper_router(desk),
        desk_router(desk),
        correcting_router(Correcting(desk, VisitChanges(log, catalogue), CorrectionForms(catalogue))),
        slip_router(desk),
        waiting_router(waiting),
        invitation_router(invitations),
        action_router(ActionPages(attendances, catalogue)),
    ]
