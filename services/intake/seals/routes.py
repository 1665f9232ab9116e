"""The HTTP edge of sealed cases: seal, take the seal away, open one and say why, and see who did."""

from typing import Annotated

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from services.intake.commands import SealGround
from services.intake.refused import refusals_told
from services.intake.seals.sealed import Seals
from services.intake.written import LINES
from shared.envelope import timestamp
from shared.web.app import problems
from shared.web.body import form_contract, read_form

REASON_LETTERS_MIN, REASON_LETTERS_MAX = 10, 500


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SealForm(_Form):
    """Why nobody is to read the case without saying why."""

    ground: SealGround


class OpeningForm(_Form):
    """Why the case has to be read. The vault keeps it, under the key of the case; the log never sees it."""

    reason: Annotated[str, Field(min_length=REASON_LETTERS_MIN, max_length=REASON_LETTERS_MAX), *LINES]


class SealView(BaseModel):
    """Whether a case is sealed by now."""

    case_id: str
    sealed: bool


class CaseOpenedView(BaseModel):
    """The case is open to this account, and the coordination is told."""

    case_id: str
    until: str


class OpeningView(BaseModel):
    """Somebody opened a sealed case. `account` is a code; `reason` is null once the case's notes were forgotten."""

    opening_id: str
    case_id: str
    role: str
    account: str
    at: str
    until: str
    reason: str | None
    seen_by: str | None
    seen_at: str | None


class OpeningsView(BaseModel):
    """The newest, those that nobody has taken notice of first."""

    openings: list[OpeningView]


def add_seal_routes(app: FastAPI, seals: Seals) -> None:
    """Add the routes."""
    refused = problems(400, 404, 409, 413, 415, 422, 507)

    @app.post(
        "/cases/{case_id}/seal",
        tags=["cases"],
        summary="Have nobody read it without saying why",
        responses=refused,
        openapi_extra=form_contract(SealForm),
    )
    async def seal(request: Request, case_id: str) -> SealView:
        form = await read_form(request, SealForm)
        with refusals_told():
            await seals.seal(case_id, form.ground)
        return SealView(case_id=case_id, sealed=True)

    @app.post("/cases/{case_id}/unseal", tags=["cases"], summary="Take the seal away", responses=refused)
    async def unseal(case_id: str) -> SealView:
        with refusals_told():
            await seals.unseal(case_id)
        return SealView(case_id=case_id, sealed=False)

    @app.post(
        "/cases/{case_id}/opening",
        status_code=201,
        tags=["cases"],
        summary="Read a sealed case, saying why: for half an hour",
        responses=problems(400, 404, 409, 410, 413, 415, 422, 507),
        openapi_extra=form_contract(OpeningForm),
    )
    async def open_sealed(request: Request, case_id: str) -> CaseOpenedView:
        form = await read_form(request, OpeningForm)
        with refusals_told():
            until = await seals.open(case_id, form.reason)
        return CaseOpenedView(case_id=case_id, until=timestamp(until))

    @app.get("/openings", tags=["cases"], summary="Who opened sealed cases, and why", responses=problems(507))
    async def openings() -> OpeningsView:
        return OpeningsView(openings=[OpeningView(**one._asdict()) for one in await seals.openings()])
