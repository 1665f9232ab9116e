"""Notes on a case: written from its page, read on a page of their own, so that each reading is one that was wanted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter
from pydantic import ConfigDict, Field
from starlette.responses import Response

from services.intake.noting import NOTES_SHOWN_MAX, notes_on, write_note
from services.intake.pages.case import NOTES_PATH, CasePages, address
from services.intake.person_forms import NoteForm
from services.intake.persons import People
from services.intake.queries import CaseView
from services.intake.vault import Note
from shared.access.acting import acting_scope
from shared.log import KeyReused
from shared.web.idempotency import KEY_PATTERN
from shared.web.pages import Asked, FieldFault, FormFaults, Notice, Page, PageRouter, mark

_SENT_ALREADY = mark("Une autre note est déjà partie de cette page. Voici la vôtre : ajoutez-la.")
_CODE_LETTERS_SHOWN = 6


class NotePageForm(NoteForm):
    """A note, under the key of the form that it was written in."""

    model_config = ConfigDict(strict=False)

    key: Annotated[str, Field(pattern=KEY_PATTERN)]


class Line(NamedTuple):
    """A note as its page shows it. `by`: the end of the author's code, None for the reader's own; `case`: another's."""

    at: datetime
    by: str | None
    case: str | None
    lines: list[str]


@dataclass(frozen=True)
class NotePages:
    """What the page stands on."""

    cases: CasePages
    people: People

    async def show(self, page: Page, case: CaseView) -> Response:
        """The newest notes, the latest first. On record."""
        notes = await notes_on(self.people, case.case_id, acting_scope())
        return page.render(
            "notes.html",
            case=case,
            opened=datetime.fromisoformat(case.opened_at),
            notes=[self._line(case, note) for note in reversed(notes)],
            shown_max=NOTES_SHOWN_MAX,
            address=address,
        )

    async def add(self, page: Page, case: CaseView, form: NotePageForm) -> Response:
        """Add a note and show the case; or the case with what was written, under a new key."""
        headers = {b"idempotency-key": form.key.encode()}
        try:
            await write_note(self.people, case.case_id, form.text, acting_scope(), headers)
        except KeyReused:
            # The browser went back to a page whose note is there, and another was written on it.
            faults = FormFaults([FieldFault("text", _SENT_ALREADY)], {"text": form.text})
            return await self.cases.show(page, case, status=409, faults=faults)
        return page.redirect(address(case.case_id), Notice("case_note"))

    def _line(self, case: CaseView, note: Note) -> Line:
        zone = self.cases.zone(case.site)
        own = note.author == acting_scope().account
        return Line(
            datetime.fromisoformat(note.recorded_at).astimezone(zone),
            None if own else note.author[-_CODE_LETTERS_SHOWN:],
            None if note.case_id == case.case_id else note.case_id,
            note.text.splitlines(),
        )


def note_router(notes: NotePages) -> APIRouter:
    """`/cases/{case_id}/notes/page`: what is read, and where the form of the case's page goes."""
    router = PageRouter()

    @router.get(NOTES_PATH)
    async def read(page: Asked, case_id: str) -> Response:
        case = await notes.cases.may_see(page, case_id)
        return case if isinstance(case, Response) else await notes.show(page, case)

    @router.post(NOTES_PATH)
    async def write(page: Asked, case_id: str) -> Response:
        case = await notes.cases.may_see(page, case_id)
        if isinstance(case, Response):
            return case
        try:
            form = await page.form(NotePageForm)
        except FormFaults as faults:
            return await notes.cases.show(page, case, status=422, faults=faults)
        return await notes.add(page, case, form)

    return router
