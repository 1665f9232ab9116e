"""The HTTP edge of the front desk."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Response

from services.intake import queries
from services.intake.discretion import case_told_to, visit_told_to
from services.intake.forms import VisitForms
from services.intake.queries import CaseView, VisitView
from services.intake.recording import BATCH_BYTES_MAX, NDJSON, Recording
from services.intake.seals.sealed import CheckCase
from shared.access.acting import acting, acting_scope, actor
from shared.catalogue import Catalogue
from shared.database import Database
from shared.log import Log
from shared.web.app import problems
from shared.web.exchange import Exchange, api_route
from shared.web.idempotency import KEY_PATTERN
from shared.web.parameters import Moment
from shared.web.problems import not_found
from shared.web.strict_json import BODY_BYTES_MAX
from shared.web.versions import etag

_KEY_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Sent again with the same key, a visit is recorded once and answered alike.",
    "schema": {"type": "string", "pattern": KEY_PATTERN},
}


def routes(recording: Recording) -> dict[tuple[str, str], tuple[Exchange, int]]:
    """The busy routes, with the most bytes that each takes."""
    return {
        ("POST", "/visits"): (recording.one, BODY_BYTES_MAX),
        ("POST", "/visits/batch"): (recording.batch, BATCH_BYTES_MAX),
    }


def add_routes(
    app: FastAPI,
    log: Log,
    database: Database,
    catalogue: Catalogue,
    forms: VisitForms,
    recording: Recording,
    check_case: CheckCase,
) -> None:
    """Add what a desk can ask for."""
    _add_recording(app, forms, recording)

    @app.get(
        "/visits/{visit_id}",
        tags=["visits"],
        summary="A visit, and what became of it",
        responses=problems(403, 404),
    )
    async def read_visit(visit_id: str, response: Response) -> VisitView:
        view = await queries.visit(log, database, acting_scope(), visit_id)
        if view is None:
            raise not_found("visit")
        if view.recorded_by is None or view.recorded_by != actor():
            await check_case(view.case_id)
        response.headers["ETag"] = etag(view.version)
        return visit_told_to(acting(), view, catalogue)

    @app.get(
        "/cases/{case_id}", tags=["cases"], summary="A case, now or at a moment", responses=problems(403, 404, 422)
    )
    async def read_case(
        case_id: str,
        response: Response,
        at: Annotated[Moment | None, Query(description="What had happened by then; with an offset")] = None,
    ) -> CaseView:
        view = await queries.case(log, database, acting_scope(), case_id, at)
        if view is None:
            raise not_found("case")
        await check_case(*queries.cases_told(view))
        response.headers["ETag"] = etag(view.version)
        return case_told_to(acting(), view, catalogue)


def _add_recording(app: FastAPI, forms: VisitForms, recording: Recording) -> None:
    recorded: dict[str, Any] = {
        "description": "Recorded, and on disk",
        "headers": {name: {"schema": {"type": "string"}} for name in ("Location", "ETag", "Idempotency-Replayed")},
        "content": {"application/json": {"schema": _RECORDED}},
    }
    (one, one_max), (batch, batch_max) = routes(recording).values()
    app.add_api_route(
        "/visits",
        api_route(one, one_max),
        methods=["POST"],
        status_code=201,
        tags=["visits"],
        summary="Record a visit",
        responses={201: recorded, **problems(400, 404, 409, 413, 415, 422, 507)},
        openapi_extra={
            "parameters": [_KEY_PARAMETER],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _inline(forms.visit)}},
            },
        },
    )
    app.add_api_route(
        "/visits/batch",
        api_route(batch, batch_max),
        methods=["POST"],
        tags=["visits"],
        summary="Record many visits, one a line; a bad line fails alone",
        responses={
            200: {
                "description": "One result a line, in order",
                "content": {NDJSON: {"schema": {"type": "string"}}},
            },
            **problems(400, 413, 415, 507),
        },
        openapi_extra={
            "requestBody": {
                "required": False,
                "description": "Each line is a visit with an idempotency_key",
                "content": {NDJSON: {"schema": {"type": "string"}}},
            },
        },
    )


def _inline(form: Any) -> dict[str, Any]:
    schema: dict[str, Any] = form.model_json_schema()
    request = schema.pop("$defs")["RequestForm"]
    schema["properties"]["requests"]["items"] = request
    return schema


_RECORDED = {
    "type": "object",
    "required": ["visit_id", "case_id", "requests", "version", "position"],
    "properties": {
        "visit_id": {"type": "string"},
        "case_id": {"type": "string"},
        "requests": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["request_id", "category"],
                "properties": {"request_id": {"type": "string"}, "category": {"type": "string"}},
            },
        },
        "version": {"type": "integer"},
        "position": {"type": "integer"},
        "invitation": {"type": "string", "description": "The code to give to a family with children to look after"},
    },
}
