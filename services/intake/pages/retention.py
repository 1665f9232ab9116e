"""The pages on which files come to their end: who is due, the lists for the archives, their visa, carrying one out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.intake.asking import access_of
from services.intake.eliminations import AlreadyCarriedOut, Eliminations, ListUnknown, VisaMissing
from services.intake.person_forms import ErasureForm, VisaForm
from services.intake.persons import People
from services.intake.plain_forms import UUID
from services.intake.vault import Access, PersonUnknown
from services.intake.vault.lists import PERSON, Due, EliminationList, Listed
from shared.access.acting import acting_scope
from shared.ids import new_id
from shared.web.pages import Asked, FieldFault, FormFaults, Notice, Page, PageRouter, mark
from shared.web.problems import not_found

PATH = "/retention/page"
LIST_PATH = "/eliminations/{list_id}/page"
_CARRIED_OUT = mark("Quelqu’un a exécuté cette liste entre-temps : plus rien n’y change.")
_UNSIGNED = mark("Notez d’abord le visa des archives.")
_NOT_IN_THE_FUTURE = mark("Le visa ne peut pas être daté d’un jour à venir.")
_UNKNOWN = mark("Personne n’a ce numéro : recopiez celui qui est dans l’adresse de sa page.")


class DrawUpForm(BaseModel):
    """A list is to be drawn up, under the id that its button was given: pressed twice, it is one list."""

    model_config = ConfigDict(extra="forbid")

    list_id: Annotated[str, Field(pattern=UUID)]


class VisaPageForm(VisaForm):
    """The archives' visa, as a browser sends it."""

    model_config = ConfigDict(strict=False)


class ExecutionPageForm(BaseModel):
    """A list is to be carried out. What cannot be undone is asked for twice: by the button, and by a box."""

    model_config = ConfigDict(extra="forbid")

    confirmed: Literal["yes"]


class ErasurePageForm(ErasureForm):
    """Somebody is to be forgotten by a decision; `confirmed` as above."""

    model_config = ConfigDict(strict=False)

    person_id: Annotated[str, Field(pattern=UUID)]
    confirmed: Literal["yes"]


class Tally(NamedTuple):
    """How many people and how many cases about nobody; `since` = the day of the longest silence, None for nobody."""

    people: int
    cases: int
    since: date | None


class Shown(NamedTuple):
    """A list as the pages show it, in the time of the house. `kept` = who came back before it was carried out."""

    listed: EliminationList
    made: datetime
    signed_on: date | None
    carried_out: datetime | None
    tally: Tally
    kept: int


@dataclass(frozen=True)
class RetentionPages:
    """What the pages stand on."""

    eliminations: Eliminations
    people: People
    zone: tzinfo

    async def overview(
        self, page: Page, *, status: int = 200, faults: FormFaults | None = None, person: str = ""
    ) -> Response:
        """Who is due, and every list, the newest first. `person`: whom the form of a decision is filled in for."""
        lists = [self._shown(one) for one in await self.eliminations.all()]
        waiting = {each.owner for one in lists if one.carried_out is None for each in one.listed.entries}
        due = await self.eliminations.due()
        return page.render(
            "retention.html",
            status,
            faults=faults,
            typed=faults.typed if faults else {"person_id": person},
            due=_tally(due),
            due_again=sum(one.owner in waiting for one in due),
            lists=lists,
            new_list=new_id(),
            address=address,
        )

    async def one(self, page: Page, list_id: str, *, status: int = 200, faults: FormFaults | None = None) -> Response:
        """A list, and what can be done with it. Raises the 404 problem."""
        try:
            shown = self._shown(await self.eliminations.read(list_id))
        except ListUnknown:
            raise not_found("list") from None
        return page.render(
            "elimination.html",
            status,
            faults=faults,
            typed=faults.typed if faults else {},
            shown=shown,
            entries=[(one, date.fromisoformat(one.last_contact)) for one in shown.listed.entries],
            today=self._today(),
        )

    async def sign(self, page: Page, list_id: str, form: VisaPageForm) -> Response:
        """Note the visa; or show the list and why not."""
        if form.signed_on > self._today():
            faults = FormFaults([FieldFault("signed_on", _NOT_IN_THE_FUTURE)], form.model_dump(mode="json"))
            return await self.one(page, list_id, status=422, faults=faults)
        try:
            await self.eliminations.sign(list_id, form.reference, form.signed_on, self._access("elimination-visa"))
        except ListUnknown:
            raise not_found("list") from None
        except AlreadyCarriedOut:
            return await self.one(page, list_id, status=409, faults=FormFaults([FieldFault("list", _CARRIED_OUT)]))
        return page.redirect(address(list_id), Notice("list_signed"))

    async def carry_out(self, page: Page, list_id: str) -> Response:
        """Forget everybody on a list, and show what was done; or why not."""
        try:
            await self.eliminations.carry_out(list_id, self._access("elimination"))
        except ListUnknown:
            raise not_found("list") from None
        except VisaMissing:
            return await self.one(page, list_id, status=409, faults=FormFaults([FieldFault("reference", _UNSIGNED)]))
        return page.redirect(address(list_id), Notice("list_carried_out"))

    async def draw_up(self, page: Page, form: DrawUpForm) -> Response:
        """Draw a list up, and show it; the lists there are, if nobody is due any more."""
        if not await self.eliminations.due():
            return page.redirect(PATH)
        await self.eliminations.draw_up(self._access("elimination-list"), form.list_id)
        return page.redirect(address(form.list_id), Notice("list_drawn_up"))

    async def erase(self, page: Page, form: ErasurePageForm) -> Response:
        """Forget somebody by a decision; or show that there is nobody of that number."""
        facts = {"decision": form.decision} if form.decision else {}
        try:
            await self.people.erase(form.person_id, "decision", self._access("erasure"), **facts)
        except PersonUnknown:
            faults = FormFaults([FieldFault("person_id", _UNKNOWN)], form.model_dump())
            return await self.overview(page, status=404, faults=faults)
        return page.redirect(PATH, Notice("person_erased"))

    def _shown(self, listed: EliminationList) -> Shown:
        return Shown(
            listed,
            datetime.fromisoformat(listed.made_at).astimezone(self.zone),
            date.fromisoformat(listed.visa_on) if listed.visa_on else None,
            datetime.fromisoformat(listed.carried_out_at).astimezone(self.zone) if listed.carried_out_at else None,
            _tally(listed.entries),
            sum(one.left_out for one in listed.entries),
        )

    def _today(self) -> date:
        return self.eliminations.now().astimezone(self.zone).date()

    def _access(self, what: str) -> Access:
        return access_of(acting_scope(), what, self.eliminations.now())


def address(list_id: str) -> str:
    """The page of a list."""
    return LIST_PATH.format(list_id=list_id)


def retention_router(pages: RetentionPages) -> APIRouter:
    """The pages and their forms."""
    router = PageRouter()

    @router.get(PATH)
    async def overview(page: Asked, person: Annotated[str, Query(pattern=UUID)] = "") -> Response:
        return await pages.overview(page, person=person)

    @router.post(PATH)
    async def draw_up(page: Asked) -> Response:
        return await pages.draw_up(page, await page.form(DrawUpForm))

    @router.post("/retention/erasure")
    async def erase(page: Asked) -> Response:
        try:
            form = await page.form(ErasurePageForm)
        except FormFaults as faults:
            return await pages.overview(page, status=422, faults=faults)
        return await pages.erase(page, form)

    @router.get(LIST_PATH)
    async def read(page: Asked, list_id: str) -> Response:
        return await pages.one(page, list_id)

    @router.post(LIST_PATH + "/visa")
    async def sign(page: Asked, list_id: str) -> Response:
        try:
            form = await page.form(VisaPageForm)
        except FormFaults as faults:
            return await pages.one(page, list_id, status=422, faults=faults)
        return await pages.sign(page, list_id, form)

    @router.post(LIST_PATH + "/execution")
    async def carry_out(page: Asked, list_id: str) -> Response:
        try:
            await page.form(ExecutionPageForm)
        except FormFaults as faults:
            return await pages.one(page, list_id, status=422, faults=faults)
        return await pages.carry_out(page, list_id)

    return router


def _tally(entries: Sequence[Due | Listed]) -> Tally:
    people = sum(one.kind == PERSON for one in entries)
    since = min((date.fromisoformat(one.last_contact) for one in entries), default=None)
    return Tally(people, len(entries) - people, since)
