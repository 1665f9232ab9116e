"""The HTTP edge of corrections: a visit put right, or voided."""

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from services.intake import queries
from services.intake.corrections.changes import Decide, VisitChanges
from services.intake.corrections.forms import CorrectionForms, VoidForm
from services.intake.corrections.visits import correct, void
from services.intake.discretion import visit_told_to
from services.intake.queries import VisitView
from services.intake.seals.sealed import CheckCase
from shared.access.acting import acting, acting_scope, actor
from shared.catalogue import Catalogue
from shared.database import Database
from shared.log import Log
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.headers import IdempotencyKey, IfMatch
from shared.web.versions import etag


def add_correction_routes(
    app: FastAPI,
    changes: VisitChanges,
    forms: CorrectionForms,
    log: Log,
    database: Database,
    catalogue: Catalogue,
    check_case: CheckCase,
) -> None:
    """Add the two routes. Both answer with the visit as it stands then."""
    refused = problems(400, 403, 404, 409, 412, 413, 415, 422, 428, 507)

    async def carry_out(
        request: Request,
        response: Response,
        visit_id: str,
        asked: tuple[str, BaseModel],
        if_match: str | None,
        decide: Decide,
    ) -> VisitView:
        before = await queries.visit(log, database, acting_scope(), visit_id)
        if before and (before.recorded_by is None or before.recorded_by != actor()):
            await check_case(before.case_id)
        move, form = asked
        text = form.model_dump_json(exclude_unset=True).encode()
        await changes.carry_out(visit_id, move, text, if_match, dict(request.headers.raw), decide)
        view = await queries.visit(log, database, acting_scope(), visit_id)
        assert view is not None, "what was just changed is there"
        response.headers["ETag"] = etag(view.version)
        return visit_told_to(acting(), view, catalogue)

    @app.post(
        "/visits/{visit_id}/correction",
        tags=["visits"],
        summary="Put right what was written down wrong",
        responses=refused,
        openapi_extra=form_contract(forms.correction),
    )
    async def put_right(
        request: Request, response: Response, visit_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> VisitView:
        form = await read_form(request, forms.correction)
        return await carry_out(
            request, response, visit_id, ("correction", form), if_match,
            lambda visit, now: correct(visit, forms.command(form, visit, now)),
        )  # fmt: skip

    @app.post(
        "/visits/{visit_id}/void",
        tags=["visits"],
        summary="Say that it never was",
        responses=refused,
        openapi_extra=form_contract(VoidForm),
    )
    async def make_void(
        request: Request, response: Response, visit_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> VisitView:
        form = await read_form(request, VoidForm)
        return await carry_out(
            request, response, visit_id, ("void", form), if_match, lambda visit, _now: void(visit, form.reason)
        )
