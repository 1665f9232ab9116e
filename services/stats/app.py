"""Composition root: the only file of stats that builds and wires."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from services.stats.api import add_routes
from services.stats.city import City
from services.stats.consumers import topics
from services.stats.counting import FIGURES
from services.stats.exports import add_exports
from services.stats.live import Live
from services.stats.pages import add_figure_pages
from services.stats.people.keeping import PEOPLE_COUNTS, PRESENCES, TIES
from shared.access.asking import Asking
from shared.access.door import Door
from shared.access.gate import Gate
from shared.access.leaving import sign_out_page
from shared.care import Care
from shared.catalogue import load_catalogue
from shared.rebuild import rebuild_heard
from shared.service import Schema, Service
from shared.settings import Settings
from shared.tasks import end
from shared.telemetry.metrics import Telemetry
from shared.web.app import new_app
from shared.web.contracts import add_contract_routes
from shared.web.cursors import Cursors
from shared.web.internal import add_internal_routes
from shared.web.pages import Menu

SCHEMA = Schema(Path(__file__).parent / "migrations", newest="0005")


def build(settings: Settings) -> tuple[FastAPI, ASGIApp]:
    """The framework's application, which knows its own contract, and what is served."""
    service = Service("stats", settings, SCHEMA)
    catalogue = load_catalogue(settings.house_file)
    live = Live(service.database)
    city = City(service.database, catalogue, settings.data, settings.bi_password.get_secret_value())
    for topic in topics(settings.partitions, live.on_change):
        service.hear(topic)

    asking = Asking(settings.asks_intake_at, lambda: settings.house_key)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.start()
        publishing = asyncio.create_task(city.run())
        yield
        await end(publishing)
        await service.stop()
        await asking.close()

    async def rebuild() -> dict[str, Any]:
        return await rebuild_heard(
            service,
            [FIGURES, PRESENCES, TIES, PEOPLE_COUNTS],
            lambda suffix: topics(settings.partitions, live.on_change, suffix),
        )

    telemetry = Telemetry(service)
    app = new_app("stats", "Figures: live counters and yearly reviews.", service.health, lifespan, telemetry)
    cursors = Cursors(lambda: settings.house_key)
    add_routes(app, catalogue, service.database, live, cursors)
    add_exports(app, catalogue, service.database)
    door = Door(asking.look)
    leaving = sign_out_page("stats", asking, door, settings)
    add_figure_pages(app, Menu("stats", settings, catalogue), service.database, live, cursors, leaving)
    add_contract_routes(app, service, telemetry)
    add_internal_routes(app, lambda: settings.house_key, Care(service, rebuild))
    opened = catalogue.live_to_city is not None
    return app, Gate(app, app, "stats", settings, door, telemetry, live_to_city=opened)
