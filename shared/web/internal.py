"""What the house's own command line asks a running service: `/internal/...`, with the house's key.

An SQLite file is opened by its own service only, so whoever wants to look inside asks here. The key lies in the
data folder, readable by the house's own account; where there is none, nobody is let in.
"""

import hmac
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header
from fastapi.responses import StreamingResponse

from shared.care import Care
from shared.web.problems import not_found


def add_internal_routes(app: FastAPI, house_key: Callable[[], str | None], care: Care) -> None:
    """Add the routes; they are no part of the public contract."""

    async def key(x_house_key: Annotated[str, Header()] = "") -> None:
        expected = house_key()
        # As bytes: a key in other than ASCII is a wrong key, and no failure of ours.
        if expected is None or not hmac.compare_digest(expected.encode(), x_house_key.encode()):
            raise not_found("page")

    guarded: dict[str, Any] = {"include_in_schema": False, "dependencies": [Depends(key)]}

    @app.get("/internal/status", **guarded)
    async def status() -> dict[str, Any]:
        return await care.status()

    @app.post("/internal/copy", **guarded)
    async def copy(target: str) -> dict[str, str]:
        await care.copy(target)
        return {"copied": target}

    @app.get("/internal/hold", **guarded)
    async def hold() -> StreamingResponse:
        return StreamingResponse(care.hold(), media_type="text/plain")

    @app.get("/internal/recorded-at", **guarded)
    async def recorded_at(partition: int, position: int) -> dict[str, str | None]:
        return {"recorded_at": await care.recorded_at(partition, position)}

    @app.post("/internal/rebuild", **guarded)
    async def rebuild() -> dict[str, Any]:
        return await care.rebuild()

    _add_letters(app, care, guarded)


def _add_letters(app: FastAPI, care: Care, guarded: dict[str, Any]) -> None:
    @app.get("/internal/dead-letters", **guarded)
    async def dead_letters() -> list[dict[str, Any]]:
        return await care.dead_letters()

    @app.post("/internal/dead-letters/replay", **guarded)
    async def replay(
        topic: str | None = None, stream: str | None = None, position: int | None = None
    ) -> dict[str, int]:
        return await care.replay(topic, stream, position)

    @app.post("/internal/dead-letters/discard", **guarded)
    async def discard(topic: str, position: int, partition: int = 0) -> dict[str, int]:
        return {"discarded": await care.discard(topic, partition, position)}
