"""Files for the city: what was published, in the forms that its tools read, and a data package that describes them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Header, Response
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from services.stats.bi.rows import star
from services.stats.bi.sqlite import FILE, written
from services.stats.formats import Dialect, write_csv, write_json, write_parquet
from services.stats.names import changed_at
from services.stats.published import COLUMNS, FIGURES, KEY, UNITS, Line, edition, lines_of
from services.stats.unchanged import Asked, State
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.web.app import problems
from shared.web.problems import not_found

CSV, JSON = "text/csv; charset=utf-8", "application/json"
PARQUET, SQLITE = "application/vnd.apache.parquet", "application/vnd.sqlite3"
FORM_OF_FILES = 3
"""Goes up whenever a release writes the same numbers differently: then nobody's copy is the same any more."""

Found = TypeVar("Found")
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As you have it already"}}


async def _asked(
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
    if_modified_since: Annotated[str | None, Header(alias="If-Modified-Since")] = None,
) -> Asked:
    return Asked(if_none_match, if_modified_since)


_Asked = Annotated[Asked, Depends(_asked)]


class _Files:
    """What was published, read and sent: only when it is not as the client has it already."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send(
        self,
        name: str,
        media_type: str,
        asked: Asked,
        figures: Sequence[str],
        read: Callable[[Connection], Found],
        write: Callable[[Found], bytes],
    ) -> Response:
        state = await self._database.read(partial(_state, name, media_type, figures))
        if state.is_known_to(asked):
            return Response(status_code=304, headers=state.headers())
        # Read again, in the snapshot of the lines: more may have been published meanwhile.
        state, found = await self._database.read(lambda one: (_state(name, media_type, figures, one), read(one)))
        # Ten years of a hundred sites are some megabytes: not on the loop.
        body = await asyncio.to_thread(write, found)
        headers = {**state.headers(), "Content-Disposition": f'attachment; filename="{name.partition("-")[0]}"'}
        return Response(body, media_type=media_type, headers=headers)

    async def send_figure(
        self, figure: str, form: str, media_type: str, asked: Asked, write: Callable[[list[Line]], bytes]
    ) -> Response:
        if figure not in FIGURES:
            raise not_found("figure")
        read = partial(lines_of, figure=figure)
        return await self.send(f"{figure}.{form}", media_type, asked, [figure], read, write)

    async def send_package(self, asked: Asked, package: Mapping[str, Any]) -> Response:
        """The way in: it changes with what is in it, and with the house's name."""
        changed = await self._database.read(changed_at)
        state = State.of(package, changed_at=changed, now=utc_now())
        if state.is_known_to(asked):
            return Response(status_code=304, headers=state.headers())
        return JSONResponse(package, headers=state.headers())


def _state(name: str, media_type: str, figures: Sequence[str], connection: Connection) -> State:
    found = edition(connection, figures)
    return State.of(FORM_OF_FILES, name, media_type, found, changed_at=found.changed_at, now=utc_now())


def add_exports(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    """Add the files. Only closed periods are in them, and no cell that could betray somebody."""
    files = _Files(database)

    @app.get(
        "/exports/datapackage.json",
        tags=["exports"],
        summary="What there is, and what each column means",
        response_model=dict[str, Any],
        responses=_NOT_MODIFIED,
    )
    async def datapackage(asked: _Asked) -> Response:
        return await files.send_package(asked, _datapackage(catalogue))

    @app.get(
        f"/exports/{FILE}",
        tags=["exports"],
        summary="Everything published, as a star in an SQLite file",
        response_class=Response,
        responses={200: {"content": {SQLITE: {}}}, **_NOT_MODIFIED},
    )
    async def as_sqlite(asked: _Asked) -> Response:
        return await files.send(FILE, SQLITE, asked, FIGURES, star, written)

    @app.get(
        "/exports/{figure}.csv",
        tags=["exports"],
        summary="A figure's published periods as CSV",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}, **_NOT_MODIFIED, **problems(404, 422)},
    )
    async def as_csv(figure: str, asked: _Asked, dialect: Dialect = "rfc4180") -> Response:
        return await files.send_figure(figure, f"csv-{dialect}", CSV, asked, partial(write_csv, dialect=dialect))

    @app.get(
        "/exports/{figure}.json",
        tags=["exports"],
        summary="A figure's published periods as JSON",
        response_model=list[dict[str, Any]],
        responses={**_NOT_MODIFIED, **problems(404)},
    )
    async def as_json(figure: str, asked: _Asked) -> Response:
        return await files.send_figure(figure, "json", JSON, asked, write_json)

    @app.get(
        "/exports/{figure}.parquet",
        tags=["exports"],
        summary="A figure's published periods as Parquet",
        response_class=Response,
        responses={200: {"content": {PARQUET: {}}}, **_NOT_MODIFIED, **problems(404)},
    )
    async def as_parquet(figure: str, asked: _Asked) -> Response:
        return await files.send_figure(figure, "parquet", PARQUET, asked, write_parquet)


def _datapackage(catalogue: Catalogue) -> dict[str, Any]:
    schema = {
        "fields": [{"name": column.name, "type": column.type, "description": column.description} for column in COLUMNS],
        "primaryKey": list(KEY),
        "missingValues": [""],
    }
    return {
        "profile": "tabular-data-package",
        "name": "maison-chiffres",
        "title": f"Chiffres publiés : {catalogue.name}",
        "description": (
            "Périodes closes seulement. Un nombre inférieur au seuil de secret, ou qui en trahirait un, est masqué."
            " Un nombre publié ne change plus ; une rectification est une ligne de plus, de révision suivante."
        ),
        "resources": [
            {
                "profile": "tabular-data-resource",
                "name": figure,
                "path": f"{figure}.csv",
                "description": UNITS[figure],
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": schema,
            }
            for figure in FIGURES
        ],
    }
