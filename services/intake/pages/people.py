"""The desk looks for somebody by name, and says who a case is about.

Names travel in forms and never in addresses. Each search is on the audit trail, as over the API.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.intake.asking import access_of
from services.intake.case_life import case_state
from services.intake.changes import CaseChanges
from services.intake.decider import NoCase
from services.intake.pages.case import address
from services.intake.pages.identity_fields import languages_spoken
from services.intake.person_forms import PersonForm, SearchForm
from services.intake.persons import People
from services.intake.plain_forms import UUID
from services.intake.seals.sealed import Seals
from services.intake.searching import SearchAnswer, search
from services.intake.vault import Identity
from shared.access.acting import acting_scope
from shared.ids import new_id
from shared.web.idempotency import KEY_PATTERN
from shared.web.pages import Asked, FieldFault, FormFaults, Notice, Page, PageRouter, mark
from shared.web.problems import Problem, not_found

PATH = "/desk/people"
_LIKELY = mark("Cette personne est sans doute déjà connue : comparez, ou dites que c’est quelqu’un d’autre.")
_KNOWN_ALREADY = mark("Ce dossier concerne déjà quelqu’un.")
_Case = Annotated[str, Field(pattern=UUID)]
_Key = Annotated[str, Field(pattern=KEY_PATTERN)]


class SearchPageForm(SearchForm):
    """A name, and the case that is to be about them, if there is one."""

    model_config = ConfigDict(strict=False)

    case: _Case | None = None


class PersonPageForm(PersonForm):
    """Who a case is about: somebody new. `other`: the desk has compared, and it is nobody known."""

    model_config = ConfigDict(strict=False)

    key: _Key
    other: bool = False


class KnownPageForm(BaseModel):
    """Who a case is about: somebody known."""

    model_config = ConfigDict(extra="forbid")

    key: _Key
    person_id: _Case


@dataclass(frozen=True)
class PeoplePages:
    """What the pages stand on."""

    people: People
    changes: CaseChanges
    seals: Seals

    async def found(self, name: str) -> SearchAnswer:
        """Who it may be. On record."""
        access = access_of(acting_scope(), "search", self.people.clock())
        return await search(self.people, name, access, (await self.seals.sealed()).keys())

    def show(
        self,
        page: Page,
        case: str | None,
        answer: SearchAnswer | None = None,
        *,
        status: int = 200,
        faults: FormFaults | None = None,
        name: str = "",
        likely: bool = False,
    ) -> Response:
        """The search, who was found, and where a case waits for its person: how to say that it is somebody new."""
        return page.render(
            "people.html",
            status,
            faults=faults,
            typed=faults.typed if faults else {"name": name},
            case=case,
            answer=answer,
            likely=likely,
            languages_spoken=languages_spoken(page.language),
            new_key=new_id,
            address=address,
        )

    async def check(self, case_id: str) -> None:
        """Raise the 404 problem for a case that there is not."""
        if isinstance(await case_state(self.people.log, case_id), NoCase):
            raise not_found("case")

    async def attach_new(self, page: Page, case_id: str, form: PersonPageForm) -> Response:
        """Say that the case is about somebody new; who is probably known is shown first."""
        # Of a case that is about somebody there is nothing to compare: the same form was sent before, or it is refused.
        if not form.other and await self.people.person_of(case_id) is None:
            answer = await self.found(f"{form.given_name} {form.family_name}")
            if answer.warning:
                typed = form.model_dump(mode="json", exclude_none=True)
                likely = FormFaults([FieldFault("other", _LIKELY)], typed)
                return self.show(page, case_id, answer, status=409, faults=likely, likely=True)
        return await self.attach(page, case_id, form.identity(), form.key)

    async def attach(self, page: Page, case_id: str, identity: Identity | str, key: str) -> Response:
        """Say who the case is about, and show it. Raises the problem of a refusal."""
        headers = {b"idempotency-key": key.encode()}
        try:
            await self.changes.attach(case_id, identity, None, headers)
        except Problem as problem:
            if problem.slug != "person-attached":
                raise
            faults = FormFaults([FieldFault("name", _KNOWN_ALREADY)])
            return self.show(page, case_id, status=409, faults=faults)
        return page.redirect(address(case_id), Notice("case_person"))


def people_router(pages: PeoplePages) -> APIRouter:
    """`/desk/people`, and the two forms that say who a case is about."""
    router = PageRouter()

    @router.get(PATH)
    async def ask(page: Asked, case: Annotated[str | None, Query(pattern=UUID)] = None) -> Response:
        return pages.show(page, case)

    @router.post(PATH)
    async def look_for(page: Asked) -> Response:
        try:
            form = await page.form(SearchPageForm)
        except FormFaults as faults:
            case = faults.typed.get("case")
            return pages.show(page, str(case) if case else None, status=422, faults=faults)
        return pages.show(page, form.case, await pages.found(form.name), name=form.name)

    @router.post("/cases/{case_id}/person/page")
    async def attach(page: Asked, case_id: str) -> Response:
        await pages.check(case_id)
        try:
            form = await page.form(PersonPageForm)
        except FormFaults as faults:
            return pages.show(page, case_id, status=422, faults=faults)
        return await pages.attach_new(page, case_id, form)

    @router.post("/cases/{case_id}/known-person/page")
    async def attach_known(page: Asked, case_id: str) -> Response:
        await pages.check(case_id)
        form = await page.form(KnownPageForm)
        return await pages.attach(page, case_id, form.person_id, form.key)

    return router
