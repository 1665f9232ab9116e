"""The forms that published lines are sent in: CSV for machines and for a French Excel, JSON, Parquet."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from services.stats.published import COLUMNS, Line

Dialect = Literal["rfc4180", "excel-fr"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ARROW: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def write_csv(lines: Sequence[Line], dialect: Dialect) -> bytes:
    """RFC 4180; or, for a French Excel, semicolons, a byte order mark and words for true and false."""
    text = io.StringIO()
    is_excel = dialect == "excel-fr"
    writer = csv.writer(text, delimiter=";" if is_excel else ",", lineterminator="\r\n")
    writer.writerow(column.name for column in COLUMNS)
    words = {True: "VRAI", False: "FAUX"} if is_excel else {True: "true", False: "false"}
    for line in lines:
        cells = (words[value] if isinstance(value, bool) else value for value in line)
        writer.writerow(map(_as_text, cells) if is_excel else cells)
    return text.getvalue().encode("utf-8-sig" if is_excel else "utf-8")


def _as_text(value: object) -> object:
    """A name that a spreadsheet would take for a formula, as the text that it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_json(lines: Sequence[Line]) -> bytes:
    """One array with an object a line; a withheld number is null."""
    names = [column.name for column in COLUMNS]
    return msgspec.json.encode([dict(zip(names, line, strict=True)) for line in lines])


def write_parquet(lines: Sequence[Line]) -> bytes:
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
