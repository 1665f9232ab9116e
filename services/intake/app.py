"""Composition root: the only file of intake that builds and wires."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from services.intake.api import add_routes, routes
from services.intake.consumers import referral_topic
from services.intake.forms import VisitForms
from services.intake.recording import Recording
from services.intake.tables import VISIT_REFERRALS
from shared.care import Care
from shared.catalogue import load_catalogue
from shared.rebuild import beside, rebuild_heard
from shared.service import Schema, Service
from shared.settings import Settings
from shared.telemetry import Telemetry
from shared.web.app import new_app
from shared.web.contracts import add_contract_routes
from shared.web.exchange import Front
from shared.web.internal import add_internal_routes

SCHEMA = Schema(Path(__file__).parent / "migrations", newest="0002")


def build(settings: Settings) -> tuple[FastAPI, ASGIApp]:
    """The framework's application, which knows its own contract, and what is served: that, behind the short road."""
    service = Service("intake", settings, SCHEMA)
    log = service.own_log()
    service.hear(referral_topic(settings.partitions))
    forms = VisitForms(load_catalogue(settings.house_file))
    recording = Recording(log, forms)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.stop()

    async def rebuild() -> dict[str, Any]:
        return await rebuild_heard(
            service,
            [VISIT_REFERRALS],
            lambda _suffix: [referral_topic(settings.partitions, beside(VISIT_REFERRALS))],
        )

    telemetry = Telemetry(service)
    app = new_app("intake", "The front desk: cases and visits.", service.health, lifespan, telemetry)
    add_routes(app, log, service.database, forms, recording)
    add_contract_routes(app, service, telemetry)
    add_internal_routes(app, lambda: settings.house_key, Care(service, rebuild))
    return app, Front(app, routes(recording), telemetry.answered)
