"""Composition root: the only file of referral that builds and wires."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from services.referral.answers import Answers
from services.referral.api.coordination import add_coordination_routes
from services.referral.api.links import add_link_routes
from services.referral.api.moves import add_moves
from services.referral.api.permanences import add_permanence_routes
from services.referral.api.queues import add_routes
from services.referral.consumers import intake_topic
from services.referral.coordinating import oldest_unanswered_s
from services.referral.handlers.referrals import Referrals
from services.referral.keeping import keeper
from services.referral.links import Links, links_key
from services.referral.live import LiveQueue
from services.referral.pages.answering import answering_pages
from services.referral.pages.coordination import PAGE, coordination_pages
from services.referral.pages.csv_export import add_csv_route
from services.referral.pages.desk import Queue, desk_pages
from services.referral.pages.links import answer_pages
from services.referral.pages.sheets import sheet_pages
from services.referral.rebuilding import rebuild_queues
from services.referral.timer import Timer
from shared.access.asking import Asking
from shared.access.door import Door
from shared.access.gate import Gate
from shared.access.leaving import sign_out_page
from shared.bus import connect
from shared.care import Care
from shared.catalogue import load_catalogue
from shared.clock import utc_now
from shared.service import Schema, Service
from shared.settings import Settings
from shared.telemetry.metrics import Telemetry
from shared.web.app import new_app
from shared.web.contracts import add_contract_routes
from shared.web.cursors import Cursors
from shared.web.internal import add_internal_routes
from shared.web.pages import Menu, Pages, add_pages

LISTENERS_MAX = 2_000
"""Live queue pages at once; one more waits and asks again."""

SCHEMA = Schema(Path(__file__).parent / "migrations", newest="0003")


def build(settings: Settings) -> tuple[FastAPI, ASGIApp]:
    """The framework's application, which knows its own contract, and what is served."""
    service = Service("referral", settings, SCHEMA)
    catalogue = load_catalogue(settings.house_file)
    log = service.own_log(queues=True, project=keeper(catalogue))
    service.hear(intake_topic(log, catalogue, settings.partitions))

    referrals = Referrals(log, service.database, catalogue)
    timer = Timer(referrals, service.database, catalogue, registry=service.registry)
    service.watch("timer", timer.state)

    asking = Asking(settings.asks_intake_at, lambda: settings.house_key)
    # Every live page waits on a connection of its own; the relay's must not be among them.
    watching = connect(settings.redis_url, LISTENERS_MAX)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        await timer.start()
        yield
        await timer.stop()
        await service.stop()
        await watching.aclose()
        await asking.close()

    async def rebuild() -> dict[str, Any]:
        return await rebuild_queues(log, service.database, catalogue)

    telemetry = Telemetry(service)
    telemetry.measure(
        "maison_referral_oldest_unanswered_seconds",
        "How long the oldest referral has been in its queue that no partner has answered; 0 where there is none",
        lambda connection: oldest_unanswered_s(utc_now(), connection),
    )
    app = new_app("referral", "Referrals: partners, queues, answers.", service.health, lifespan, telemetry)
    live = LiveQueue(log, service.database, watching, Cursors(lambda: settings.house_key))
    add_csv_route(app, catalogue, service.database)
    add_routes(app, catalogue, service.database, live)
    add_permanence_routes(app, catalogue, service.database)
    answers = Answers(log, service.database, referrals)
    add_moves(app, catalogue, answers, referrals)
    links = Links(partial(links_key, settings), log, referrals, catalogue)
    add_link_routes(app, links)
    queue = Queue(catalogue, service.database, live)
    pages = Pages(Path(__file__).parent, catalogue.name, Menu("referral", settings, catalogue))
    desks = (desk_pages(queue), answering_pages(queue, answers), sheet_pages(queue, log, referrals))
    add_coordination_routes(app, catalogue, service.database, PAGE)
    coordination = coordination_pages(catalogue, service.database, answers)
    door = Door(asking.look)
    leaving = sign_out_page("referral", asking, door, settings)
    add_pages(app, pages, answer_pages(links, catalogue), coordination, *desks, leaving)
    add_contract_routes(app, service, telemetry)
    add_internal_routes(app, lambda: settings.house_key, Care(service, rebuild))
    return app, Gate(app, app, "referral", settings, door, telemetry)
