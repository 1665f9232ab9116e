"""Files for the city: what was published, as CSV, as Parquet, and a data package that describes them."""

import asyncio
import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from email.utils import format_datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import FastAPI, Header, Response

from services.stats.published import COLUMNS, FIGURES, KEY, UNITS, Edition, edition, lines_of
from shared.catalogue import Catalogue
from shared.database import Database
from shared.web.app import problems
from shared.web.problems import not_found

Dialect = Literal["rfc4180", "excel-fr"]
CSV, PARQUET = "text/csv; charset=utf-8", "application/vnd.apache.parquet"

_ARROW: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "As you have it already"}}
_IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]


def add_exports(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    """Add the files. Only closed periods are in them, and no cell that could betray somebody."""

    async def send(
        figure: str, form: str, asked_before: str | None, media_type: str, render: Callable[[list[Any]], bytes]
    ) -> Response:
        if figure not in FIGURES:
            raise not_found("figure")
        found = await edition(database, figure)
        headers = _validators(figure, form, catalogue.version, found)
        if asked_before == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        lines = await lines_of(database, catalogue, figure)
        # Ten years of a hundred sites are some megabytes: not on the loop.
        body = await asyncio.to_thread(render, lines)
        headers["Content-Disposition"] = f'attachment; filename="{figure}.{form.partition("-")[0]}"'
        return Response(body, media_type=media_type, headers=headers)

    @app.get("/exports/datapackage.json", tags=["exports"], summary="What there is, and what each column means")
    async def datapackage() -> dict[str, Any]:
        return _datapackage(catalogue)

    @app.get(
        "/exports/{figure}.csv",
        tags=["exports"],
        summary="A figure's published periods as CSV",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}}, **_NOT_MODIFIED, **problems(404, 422)},
    )
    async def as_csv(figure: str, dialect: Dialect = "rfc4180", if_none_match: _IfNoneMatch = None) -> Response:
        return await send(figure, f"csv-{dialect}", if_none_match, CSV, lambda lines: write_csv(lines, dialect))

    @app.get(
        "/exports/{figure}.parquet",
        tags=["exports"],
        summary="A figure's published periods as Parquet",
        response_class=Response,
        responses={200: {"content": {PARQUET: {}}}, **_NOT_MODIFIED, **problems(404)},
    )
    async def as_parquet(figure: str, if_none_match: _IfNoneMatch = None) -> Response:
        return await send(figure, "parquet", if_none_match, PARQUET, write_parquet)


def write_csv(lines: Sequence[tuple[Any, ...]], dialect: Dialect) -> bytes:
    """RFC 4180; or, for a French Excel, semicolons, a byte order mark and words for true and false."""
    text = io.StringIO()
    is_excel = dialect == "excel-fr"
    writer = csv.writer(text, delimiter=";" if is_excel else ",", lineterminator="\r\n")
    writer.writerow(column.name for column in COLUMNS)
    words = {True: "VRAI", False: "FAUX"} if is_excel else {True: "true", False: "false"}
    for line in lines:
        writer.writerow(words[value] if isinstance(value, bool) else value for value in line)
    return text.getvalue().encode("utf-8-sig" if is_excel else "utf-8")


def write_parquet(lines: Sequence[tuple[Any, ...]]) -> bytes:
    """The same lines with their types, each column with its description; zstd."""
    schema = pa.schema(
        [pa.field(column.name, _ARROW[column.type], metadata={"description": column.description}) for column in COLUMNS]
    )
    columns = list(zip(*lines, strict=True)) or [()] * len(COLUMNS)
    arrays = [
        pa.array([date.fromisoformat(value) for value in values] if column.type == "date" else values, field.type)
        for column, values, field in zip(COLUMNS, columns, schema, strict=True)
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), sink, compression="zstd")
    return sink.getvalue()


def _validators(figure: str, form: str, version: str, found: Edition) -> dict[str, str]:
    digest = sha256(repr((figure, form, version, found)).encode()).hexdigest()[:32]
    headers = {"ETag": f'"{digest}"', "Cache-Control": "no-cache"}
    if found.published_on:
        day = date.fromisoformat(found.published_on)
        published = datetime(day.year, day.month, day.day, tzinfo=UTC)
        headers["Last-Modified"] = format_datetime(published, usegmt=True)
    return headers


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
