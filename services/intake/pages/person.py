"""The page of somebody: who they are, on record, which cases are about them, and the form that puts it right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter
from pydantic import ConfigDict, Field, Json
from starlette.responses import Response

from services.intake.asking import access_of
from services.intake.held_page import identity_words
from services.intake.pages.case import address as address_of_case
from services.intake.pages.identity_fields import as_shown, contested, languages_spoken, typed_over
from services.intake.pages.retention import PATH as RETENTION
from services.intake.person_forms import PersonForm
from services.intake.persons import People
from services.intake.refused import refusals_told, restricted
from services.intake.seals.opening_page import address_of, kept
from services.intake.seals.sealed import SLUG, Seals
from services.intake.vault.tables import Person
from shared.access.acting import acting_scope
from shared.access.policy import POLICY
from shared.web.pages import Asked, FieldFault, FormFaults, Notice, Page, PageRouter, mark
from shared.web.problems import Problem

PATH = "/people/{person_id}/page"
_NOTHING = mark("Rien n’a été changé : corrigez au moins une réponse.")
_TOO_LATE = mark("Quelqu’un d’autre a corrigé cette identité entre-temps. La voici, avec ce que vous avez changé.")
_CONTESTED = mark("Quelqu’un d’autre a écrit autre chose ici : comparez avec ce qui est plus haut.")


class CorrectionPageForm(PersonForm):
    """Who somebody is, at the version that was shown. `was` = what the fields held then."""

    model_config = ConfigDict(strict=False)

    version: Annotated[int, Field(ge=1)]
    was: Json[dict[str, str | bool]]


@dataclass(frozen=True)
class PersonPages:
    """What the page stands on."""

    people: People
    seals: Seals

    async def may_see(self, page: Page, person_id: str) -> Person | Response:
        """What is known besides the identity; of a sealed case, the way to open it. Raises a refusal's problem."""
        try:
            await self.seals.check_person(person_id)
        except Problem as problem:
            if problem.slug != SLUG:
                raise
            sealed = problem.facts["case_id"]
            if page.request.method == "POST":
                return await kept(page, sealed, page.path)
            return page.redirect(address_of(sealed, page.path))
        with refusals_told():
            row = await self.people.known(person_id)
        if await self.people.is_restricted(row):
            raise restricted()
        return row

    async def show(self, page: Page, row: Person, *, status: int = 200, faults: FormFaults | None = None) -> Response:
        """Who somebody is, on record, and the form with what was typed."""
        identity = await self._read(row.person_id)
        return await self._render(page, row, identity, status, faults)

    async def correct(self, page: Page, row: Person, form: CorrectionPageForm) -> Response:
        """Put an identity right, and show it; or show why not, and how it stands."""
        if form.identity().known() == form.was:
            return await self.show(page, row, status=409, faults=FormFaults([FieldFault("person", _NOTHING)]))
        access = access_of(acting_scope(), "correction", self.people.clock())
        with refusals_told():
            corrected = await self.people.vault.correct(row.person_id, form.identity(), form.version, access)
        return await self._too_late(page, row.person_id, form) if corrected is None else self._done(page)

    async def _too_late(self, page: Page, person_id: str, form: CorrectionPageForm) -> Response:
        row = await self.may_see(page, person_id)
        if isinstance(row, Response):
            return row
        identity, typed = await self._read(person_id), form.identity().known()
        now = as_shown(identity)
        values = typed_over(now, typed, form.was)
        if values == now:
            # The same form, sent twice: what it asked for stands.
            return self._done(page)
        faults = [FieldFault("person", _TOO_LATE)]
        faults += [FieldFault(name, _CONTESTED) for name in contested(now, typed, form.was)]
        return await self._render(page, row, identity, 412, FormFaults(faults, {**_untouched(row, now), **values}))

    async def _render(
        self, page: Page, row: Person, identity: Mapping[str, Any], status: int, faults: FormFaults | None
    ) -> Response:
        typed = faults.typed if faults else None
        return page.render(
            "person.html",
            status,
            faults=faults,
            typed=typed or _untouched(row, as_shown(identity)),
            identity=identity_words(identity, page.language),
            cases=await self.people.cases_of(row.person_id),
            erasing=f"{RETENTION}?person={row.person_id}#erase" if _may_erase(page) else "",
            languages_spoken=languages_spoken(page.language),
            address=address_of_case,
        )

    async def _read(self, person_id: str) -> dict[str, Any]:
        access = access_of(acting_scope(), "read", self.people.clock())
        with refusals_told():
            return await self.people.vault.identity(person_id, access)

    def _done(self, page: Page) -> Response:
        return page.redirect(page.path, Notice("person_correction"))


def person_router(pages: PersonPages) -> APIRouter:
    """`/people/{person_id}/page`, and its form."""
    router = PageRouter()

    @router.get(PATH)
    async def read(page: Asked, person_id: str) -> Response:
        row = await pages.may_see(page, person_id)
        return row if isinstance(row, Response) else await pages.show(page, row)

    @router.post(PATH)
    async def correct(page: Asked, person_id: str) -> Response:
        row = await pages.may_see(page, person_id)
        if isinstance(row, Response):
            return row
        try:
            form = await page.form(CorrectionPageForm)
        except FormFaults as faults:
            return await pages.show(page, row, status=422, faults=faults)
        return await pages.correct(page, row, form)

    return router


def _may_erase(page: Page) -> bool:
    return page.reader is not None and POLICY["intake"]["GET", RETENTION].lets_in(page.reader.code, live_to_city=False)


def _untouched(row: Person, shown: Mapping[str, Any]) -> dict[str, Any]:
    """The form as it is shown first: whoever is second is told by its version, and `was` says what she changed."""
    return {**shown, "version": row.version, "was": msgspec.json.encode(shown).decode()}
