"""Composition root: the only file of intake that builds and wires."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from services.intake.access.care import add_access_care
from services.intake.access.entrance import Entrance
from services.intake.access.trail import Signer
from services.intake.actions.holding import Actions
from services.intake.actions.routes import Attendances, add_action_routes
from services.intake.api import add_routes, routes
from services.intake.audit_routes import add_audit_routes
from services.intake.consumers import referral_topic
from services.intake.corrections.changes import VisitChanges
from services.intake.corrections.forms import CorrectionForms
from services.intake.corrections.routes import add_correction_routes
from services.intake.forms import VisitForms
from services.intake.held_page import held_page
from services.intake.invitations.routes import Invitations, add_invitation_routes
from services.intake.pages import desk_pages
from services.intake.pages.case import CasePages, case_router
from services.intake.pages.notes import NotePages, note_router
from services.intake.pages.people import PeoplePages, people_router
from services.intake.pages.person import PersonPages, person_router
from services.intake.pages.retention import RetentionPages, retention_router
from services.intake.people import add_people_routes, open_people
from services.intake.provider_page import ProviderDoor, provider_pages
from services.intake.recording import Recording
from services.intake.seals.opening_page import opening_page
from services.intake.seals.page import openings_page
from services.intake.seals.sealed import Seals
from services.intake.sign_in_page import sign_in_pages
from services.intake.signing_in import add_signing_in
from services.intake.tables import VISIT_REFERRALS
from services.intake.vault import Vault
from services.intake.waiting.arrivals import WaitingRooms
from services.intake.waiting.routes import add_waiting_routes
from shared.access.cookies import Cookies
from shared.access.door import Door
from shared.access.gate import Gate
from shared.care import Care
from shared.catalogue import load_catalogue
from shared.clock import utc_now
from shared.rebuild import beside, rebuild_heard
from shared.service import Schema, Service
from shared.settings import Settings
from shared.telemetry.metrics import Telemetry
from shared.web.app import new_app
from shared.web.contracts import add_contract_routes
from shared.web.exchange import Front
from shared.web.internal import add_internal_routes
from shared.web.pages import Menu, Pages, add_pages

SCHEMA = Schema(Path(__file__).parent / "migrations", newest="0012")


def build(settings: Settings) -> tuple[FastAPI, ASGIApp]:
    """The framework's application, which knows its own contract, and what is served: that, behind the short road."""
    service = Service("intake", settings, SCHEMA)
    log = service.own_log()
    service.hear(referral_topic(settings.partitions))
    catalogue = load_catalogue(settings.house_file)
    forms = VisitForms(catalogue)
    vault = Vault(settings)
    rooms = open_people(log, service.database, vault, catalogue)
    recording = Recording(log, forms)
    waiting, invitations = WaitingRooms(log, catalogue), Invitations(log, catalogue)
    entrance = Entrance(service.database, utc_now, settings.data)
    door = Door(entrance.look)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        await vault.start()
        await rooms.people.start()
        await entrance.start()
        yield
        await provider.provider.close()
        await entrance.stop()
        await rooms.people.stop()
        await vault.stop()
        await service.stop()

    async def rebuild() -> dict[str, Any]:
        return await rebuild_heard(
            service,
            [VISIT_REFERRALS],
            lambda _suffix: [referral_topic(settings.partitions, beside(VISIT_REFERRALS))],
        )

    telemetry = Telemetry(service)
    app = new_app("intake", "The front desk: cases and visits.", service.health, lifespan, telemetry)
    seals = Seals(rooms.people, service.registry)
    add_routes(app, log, service.database, catalogue, forms, recording, seals.check_case)
    add_waiting_routes(app, waiting, catalogue)
    add_invitation_routes(app, invitations)
    corrections = VisitChanges(log, catalogue)
    check_case = seals.check_case
    add_correction_routes(app, corrections, CorrectionForms(catalogue), log, service.database, catalogue, check_case)
    add_people_routes(app, rooms, seals, log, service.database, lambda: settings.house_key)
    attendances = Attendances(Actions(log, catalogue), rooms.people, catalogue)
    add_action_routes(app, attendances, catalogue)
    add_audit_routes(app, vault, service.database, Signer(settings.data))
    cookies = Cookies(https=settings.https)
    add_signing_in(app, entrance, door, cookies)
    pages = Pages(Path(__file__).parent, catalogue.name, Menu("intake", settings, catalogue))
    provider = ProviderDoor(entrance, door, cookies, settings, lambda: settings.house_key)
    cases = CasePages(log, service.database, catalogue, rooms.changes, seals)
    own = (
        sign_in_pages(entrance, door, cookies, settings, provider),
        provider_pages(provider),
        openings_page(seals, entrance.accounts, catalogue),
        opening_page(seals, settings),
        case_router(cases),
        note_router(NotePages(cases, rooms.people)),
        people_router(PeoplePages(rooms.people, rooms.changes, seals)),
        person_router(PersonPages(rooms.people, seals)),
        retention_router(RetentionPages(rooms.eliminations, rooms.people, catalogue.sites[0].zone)),
        held_page(rooms.people, seals, log, service.database, catalogue),
    )
    desk = desk_pages(log, service.database, catalogue, recording, waiting, invitations, attendances, check_case)
    add_pages(app, pages, *desk, *own)
    add_contract_routes(app, service, telemetry)
    add_access_care(app, entrance, door, catalogue, lambda: settings.house_key, provider.way_out)
    add_internal_routes(app, lambda: settings.house_key, Care(service, rebuild))
    front = Front(app, routes(recording), telemetry.answered)
    return app, Gate(front, app, "intake", settings, door, telemetry)
