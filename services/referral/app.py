"""Composition root: the only file of referral that builds and wires."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from services.referral.answers import Answers
from services.referral.api import add_routes
from services.referral.consumers import intake_topic
from services.referral.keeping import QUEUE_ITEMS, keeper
from services.referral.live import LiveQueue
from services.referral.rebuilding import rebuild_queues
from shared.bus import connect
from shared.care import Care
from shared.catalogue import load_catalogue
from shared.service import Schema, Service
from shared.settings import Settings
from shared.telemetry import Telemetry
from shared.web.app import new_app
from shared.web.contracts import add_contract_routes
from shared.web.internal import add_internal_routes

LISTENERS_MAX = 2_000
"""Live queue pages at once; one more waits and asks again."""

SCHEMA = Schema(Path(__file__).parent / "migrations", newest="0002")


def build(settings: Settings) -> tuple[FastAPI, ASGIApp]:
    """The framework's application, which knows its own contract, and what is served."""
    service = Service("referral", settings, SCHEMA)
    catalogue = load_catalogue(settings.house_file)
    log = service.own_log(queues=True, project=keeper(QUEUE_ITEMS))
    service.hear(intake_topic(log, catalogue, settings.partitions))

    # Every live page waits on a connection of its own; the relay's must not be among them.
    watching = connect(settings.redis_url, LISTENERS_MAX)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()
        await watching.aclose()

    async def rebuild() -> dict[str, Any]:
        return await rebuild_queues(log, service.database)

    telemetry = Telemetry(service)
    app = new_app("referral", "Referrals: partners, queues, answers.", service.health, lifespan, telemetry)
    live = LiveQueue(log, service.database, watching)
    add_routes(app, catalogue, service.database, Answers(log, service.database), live)
    add_contract_routes(app, service, telemetry)
    add_internal_routes(app, lambda: settings.house_key, Care(service, rebuild))
    return app, app
