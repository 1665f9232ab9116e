"""A partner's referrals as CSV (RFC 4180): what a spreadsheet opens, never what it would carry out.

No id of a visit, a case or a person, and of a sensitive topic neither its name nor its category: a file goes places.
"""

import csv
import unicodedata
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from io import StringIO
from typing import Any, Literal

from fastapi import FastAPI
from starlette.responses import StreamingResponse

from services.referral.desk import queue_rows
from services.referral.pages.saying import OUTCOMES, REASONS, STATUSES
from services.referral.words import Status
from shared.access.acting import acting_scope
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.database import Database
from shared.web.app import problems
from shared.web.problems import not_found

CHUNK_ROWS = 500
HEADERS: Mapping[str, str] = {
    "referral_id": "Orientation",
    "category": "Catégorie",
    "topic": "Thématique",
    "status": "État",
    "outcome": "Résultat",
    "reason": "Motif",
    "issued_at": "Transmise le",
    "due_at": "À traiter avant le",
    "moved_at": "Dernier changement le",
    "chased": "Relances",
    "starts_at": "Rendez-vous le",
}
"""Each column and what it is called, in order."""

Dialect = Literal["rfc4180", "excel-fr"]
_SEPARATOR: Mapping[Dialect, str] = {"rfc4180": ",", "excel-fr": ";"}
# What makes a French Excel read UTF-8 as such.
_BEGINNING: Mapping[Dialect, str] = {"rfc4180": "", "excel-fr": "\ufeff"}
# Also as they stand in full width, which some spreadsheets take for the same.
_FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20|%")
_COLUMNS = (
    *("position", "referral_id", "site", "category", "topic", "status", "is_open", "outcome", "reason"),
    *("issued_at", "answer_due_at", "outcome_due_at", "moved_at", "chased", "starts_at"),
)


def add_csv_route(app: FastAPI, catalogue: Catalogue, database: Database) -> None:
    """Add the export. To be added before `/queues/{partner}`, which would take its address for a partner's code."""

    @app.get(
        "/queues/{partner}.csv",
        tags=["queues"],
        summary="A partner's own referrals as CSV, oldest first; `excel-fr` as a French Excel opens it",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(404, 422)},
    )
    async def export(partner: str, dialect: Dialect = "rfc4180") -> StreamingResponse:
        if partner not in catalogue.partners_by_code:
            raise not_found("queue")
        # Read before the answer begins, so that a database that is away is a 503 and no broken file.
        scope = acting_scope()
        first = await queue_rows(database, scope, partner, 0, _COLUMNS, CHUNK_ROWS)
        return StreamingResponse(
            _chunks(database, scope, catalogue, partner, dialect, first),
            media_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": f'attachment; filename="orientations-{partner}.csv"'},
        )


async def _chunks(
    database: Database,
    scope: Scope,
    catalogue: Catalogue,
    partner: str,
    dialect: Dialect,
    rows: list[dict[str, Any]],
) -> AsyncIterator[str]:
    """The file, some hundred lines at a time: however long the queue, no more of it is held."""
    yield _BEGINNING[dialect] + lines([list(HEADERS.values())], dialect)
    while rows:
        yield lines([cells(row, catalogue) for row in rows], dialect)
        rows = await queue_rows(database, scope, partner, rows[-1]["position"], _COLUMNS, CHUNK_ROWS)


def cells(row: Mapping[str, Any], catalogue: Catalogue) -> list[str]:
    """One referral in the words of the desk; moments are those of the site's clock."""
    zone = catalogue.site(row["site"]).zone

    def moment(text: str | None) -> str:
        return f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M}" if text else ""

    due = row["answer_due_at"] if row["status"] == Status.ISSUED else row["outcome_due_at"]
    said = {
        "referral_id": row["referral_id"],
        **_about(row, catalogue),
        "status": STATUSES.get(row["status"], row["status"]),
        "outcome": OUTCOMES.get(row["outcome"], row["outcome"] or ""),
        "reason": REASONS.get(row["reason"], row["reason"] or ""),
        "issued_at": moment(row["issued_at"]),
        "due_at": moment(due if row["is_open"] else None),
        "moved_at": moment(row["moved_at"]),
        "chased": str(row["chased"]),
        "starts_at": moment(row["starts_at"]),
    }
    return [said[name] for name in HEADERS]


def _about(row: Mapping[str, Any], catalogue: Catalogue) -> Mapping[str, str]:
    topic = catalogue.topics_by_code.get(row["topic"]) if row["topic"] else None
    if row["topic"] and (topic is None or topic.sensitive):
        # A topic that the catalogue has lost may have been a sensitive one.
        return {"category": "", "topic": ""}
    category = catalogue.categories_by_code.get(row["category"])
    return {"category": category.label_fr if category else row["category"], "topic": topic.label_fr if topic else ""}


def lines(rows: Sequence[Sequence[str]], dialect: Dialect) -> str:
    """Rows as lines of the file, each cell made harmless."""
    text = StringIO()
    writer = csv.writer(text, delimiter=_SEPARATOR[dialect], lineterminator="\r\n")
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(cell: str) -> str:
    """The cell; behind an apostrophe if a spreadsheet might take it for a formula."""
    first = next((sign for sign in cell if not _is_passed_over(sign)), None)
    return f"'{cell}" if first in _FORMULA else cell


def _is_passed_over(sign: str) -> bool:
    """Blanks and what is not to be seen: a spreadsheet may drop them, and find a formula behind them."""
    return sign not in _FORMULA and unicodedata.category(sign) in ("Zs", "Zl", "Zp", "Cf", "Cc")
