"""The HTTP edge of a case's life: close, reopen, merge, take a merge back, notes."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel

from services.intake import queries
from services.intake.asking import who_asks
from services.intake.case_life import case_state, change_case, merge_cases, unmerge_case
from services.intake.changes import Act, CaseChanges
from services.intake.commands import CloseCase, MergeCases, ReopenCase, UnmergeCase
from services.intake.decider import NoCase
from services.intake.discretion import case_told_to
from services.intake.noting import notes_on, write_note
from services.intake.person_forms import CloseForm, MergeForm, NoteForm
from services.intake.persons import People
from services.intake.queries import CaseView
from services.intake.seals.sealed import CheckCase
from shared.access.acting import acting, acting_scope
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.database import Database
from shared.log import Log
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.headers import IdempotencyKey, IfMatch
from shared.web.problems import not_found
from shared.web.versions import etag

_Asker = Annotated[Scope, Depends(who_asks)]


class NoteView(BaseModel):
    """A note on a case."""

    note_id: str
    case_id: str
    recorded_at: str
    author: str
    text: str


class NotesView(BaseModel):
    """The newest notes on a case and on what it absorbed, oldest first."""

    notes: list[NoteView]


class NoteAdded(BaseModel):
    """A note is in the vault."""

    note_id: str
    case_id: str


def add_case_routes(
    app: FastAPI,
    people: People,
    changes: CaseChanges,
    log: Log,
    database: Database,
    catalogue: Catalogue,
    check_case: CheckCase,
) -> None:
    """Add the routes."""
    _add_life(app, changes, log, database, catalogue, check_case)
    _add_notes(app, people, log, check_case)


def _add_life(
    app: FastAPI, changes: CaseChanges, log: Log, database: Database, catalogue: Catalogue, check_case: CheckCase
) -> None:
    refused = problems(400, 403, 404, 409, 412, 413, 415, 422, 428, 507)

    async def carry_out(
        request: Request, response: Response, case_id: str, asked: str, if_match: str | None, act: Act
    ) -> CaseView:
        # What is changed is answered with, too.
        await check_case(case_id)
        move = asked.partition(" ")[0]
        await changes.carry_out(case_id, move, asked.encode(), if_match, dict(request.headers.raw), act)
        view = await queries.case(log, database, acting_scope(), case_id)
        assert view is not None, "what was just changed is there"
        response.headers["ETag"] = etag(view.version)
        return case_told_to(acting(), view, catalogue)

    @app.post(
        "/cases/{case_id}/close",
        tags=["cases"],
        summary="Nothing more is expected",
        responses=refused,
        openapi_extra=form_contract(CloseForm, optional=True),
    )
    async def close(
        request: Request, response: Response, case_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> CaseView:
        form = await read_form(request, CloseForm, optional=True)
        command = CloseCase(case_id, form.reason)
        return await carry_out(
            request, response, case_id, f"close {form.reason}", if_match,
            lambda context, expected: change_case(log, command, context, expected),
        )  # fmt: skip

    @app.post("/cases/{case_id}/reopen", tags=["cases"], summary="It goes on", responses=refused)
    async def reopen(
        request: Request, response: Response, case_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> CaseView:
        return await carry_out(
            request, response, case_id, "reopen", if_match,
            lambda context, expected: change_case(log, ReopenCase(case_id), context, expected),
        )  # fmt: skip

    @app.post(
        "/cases/{case_id}/merge",
        tags=["cases"],
        summary="Read it as a part of another case",
        responses=refused,
        openapi_extra=form_contract(MergeForm),
    )
    async def merge(
        request: Request, response: Response, case_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> CaseView:
        form = await read_form(request, MergeForm)
        return await carry_out(
            request, response, case_id, f"merge {form.into}", if_match,
            lambda context, expected: merge_cases(log, MergeCases(form.into, case_id), context, expected),
        )  # fmt: skip

    @app.post("/cases/{case_id}/unmerge", tags=["cases"], summary="Take its merge back", responses=refused)
    async def unmerge(
        request: Request, response: Response, case_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> CaseView:
        return await carry_out(
            request, response, case_id, "unmerge", if_match,
            lambda context, expected: unmerge_case(log, UnmergeCase(case_id), context, expected),
        )  # fmt: skip


def _add_notes(app: FastAPI, people: People, log: Log, check_case: CheckCase) -> None:
    @app.post(
        "/cases/{case_id}/notes",
        status_code=201,
        tags=["cases"],
        summary="Write a note, which the vault keeps",
        responses=problems(400, 404, 410, 413, 415, 422, 507),
        openapi_extra=form_contract(NoteForm),
    )
    async def write(
        request: Request, response: Response, case_id: str, asking: _Asker, _key: IdempotencyKey = None
    ) -> NoteAdded:
        form = await read_form(request, NoteForm)
        if isinstance(await case_state(log, case_id), NoCase):
            raise not_found("case")
        note, was_there = await write_note(people, case_id, form.text, asking, dict(request.headers.raw))
        if was_there:
            response.headers["Idempotency-Replayed"] = "true"
        return NoteAdded(note_id=note.note_id, case_id=case_id)

    @app.get(
        "/cases/{case_id}/notes",
        tags=["cases"],
        summary="The newest notes on a case",
        responses=problems(403, 404, 507),
    )
    async def read(case_id: str, asking: _Asker) -> NotesView:
        if isinstance(await case_state(log, case_id), NoCase):
            raise not_found("case")
        await check_case(case_id)
        notes = await notes_on(people, case_id, asking)
        return NotesView(notes=[NoteView(**note._asdict()) for note in notes])
