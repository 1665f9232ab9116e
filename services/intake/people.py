"""The HTTP edge of people: who a case is about, looking for somebody, telling a partner, forgetting."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel

from services.intake.asking import access_of, who_asks
from services.intake.case_routes import add_case_routes
from services.intake.changes import CaseChanges, PersonAttachedAnswer
from services.intake.disclosures import Disclosures
from services.intake.eliminations import Eliminations
from services.intake.exporting import export
from services.intake.person_forms import ErasureForm, KnownPersonForm, PersonForm, SearchForm
from services.intake.persons import People
from services.intake.refused import refusals_told, restricted
from services.intake.retention_routes import add_retention_routes
from services.intake.seals.routes import add_seal_routes
from services.intake.seals.sealed import Seals
from services.intake.searching import SearchAnswer, search
from services.intake.vault import Vault
from services.intake.vault.tables import Person
from services.intake.vault_routes import add_vault_routes
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.log import Log
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.headers import IdempotencyKey, IfMatch
from shared.web.problems import Problem, not_found
from shared.web.versions import etag, expected_version

Asker = Annotated[Scope, Depends(who_asks)]


class AttachedView(BaseModel):
    """Who the case is about by now: an id."""

    person_id: str
    case_id: str
    version: int
    position: int


class PersonView(BaseModel):
    """Who somebody is, and the cases that are about them. `version` is the identity's."""

    person_id: str
    given_name: str
    family_name: str
    birth_date: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    language: str | None = None
    safe_to_contact: bool | None = None
    cases: list[str]
    version: int


class ErasureView(BaseModel):
    """Somebody was forgotten."""

    person_id: str
    erased: bool = True


@dataclass(frozen=True)
class PeopleRooms:
    """What the routes of people stand on."""

    people: People
    changes: CaseChanges
    disclosures: Disclosures
    eliminations: Eliminations
    catalogue: Catalogue


def open_people(
    log: Log, database: Database, vault: Vault, catalogue: Catalogue, clock: Callable[[], datetime] = utc_now
) -> PeopleRooms:
    """Everything that is done with people on one log and one vault. `people.start` follows the vault's."""
    people = People(log, vault, clock)
    disclosures = Disclosures(people, database, catalogue)
    return PeopleRooms(people, CaseChanges(log, people), disclosures, Eliminations(people), catalogue)


def add_people_routes(
    app: FastAPI, rooms: PeopleRooms, seals: Seals, log: Log, database: Database, house_key: Callable[[], str | None]
) -> None:
    """Add what is asked about people, notes, the life of cases, seals, retention and the vault itself."""
    add_case_routes(app, rooms.people, rooms.changes, log, database, rooms.catalogue, seals.check_case)
    add_seal_routes(app, seals)
    _add_attaching(app, rooms.changes)
    _add_reading(app, rooms.people, seals, log, database)
    _add_changing(app, rooms.people, seals)
    _add_disclosures(app, rooms.disclosures)
    add_retention_routes(app, rooms.eliminations)
    add_vault_routes(app, rooms.people.vault, house_key)


def _add_attaching(app: FastAPI, changes: CaseChanges) -> None:
    refused = problems(400, 404, 409, 410, 412, 413, 415, 422, 507)

    @app.post(
        "/cases/{case_id}/person",
        status_code=201,
        tags=["people"],
        summary="Say who the case is about: somebody new",
        responses=refused,
        openapi_extra=form_contract(PersonForm),
    )
    async def attach(
        request: Request, response: Response, case_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> AttachedView:
        form = await read_form(request, PersonForm)
        told = await changes.attach(case_id, form.identity(), if_match, dict(request.headers.raw))
        return _attached(response, *told)

    @app.post(
        "/cases/{case_id}/known-person",
        status_code=201,
        tags=["people"],
        summary="Say who the case is about: somebody the house knows",
        responses=refused,
        openapi_extra=form_contract(KnownPersonForm),
    )
    async def attach_known(
        request: Request, response: Response, case_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> AttachedView:
        form = await read_form(request, KnownPersonForm)
        told = await changes.attach(case_id, form.person_id, if_match, dict(request.headers.raw))
        return _attached(response, *told)


def _attached(response: Response, told: PersonAttachedAnswer, replayed: bool) -> AttachedView:
    response.headers["Location"] = f"/people/{told.person_id}"
    response.headers["ETag"] = etag(told.version)
    if replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return AttachedView(
        person_id=told.person_id, case_id=told.case_id, version=told.version, position=told.position
    )  # fmt: skip


def _add_reading(app: FastAPI, people: People, seals: Seals, log: Log, database: Database) -> None:
    # By POST: a name has no place in an address, which is logged on the way.
    @app.post(
        "/people/search",
        tags=["people"],
        summary="Look for somebody by name",
        responses=problems(400, 413, 415, 422, 507),
        openapi_extra=form_contract(SearchForm),
    )
    async def look_for(request: Request, asking: Asker) -> SearchAnswer:
        form = await read_form(request, SearchForm)
        sealed = (await seals.sealed()).keys()
        return await search(people, form.name, access_of(asking, "search", people.clock()), sealed)

    @app.get(
        "/people/{person_id}",
        tags=["people"],
        summary="Who somebody is",
        responses=problems(403, 404, 410, 507),
    )
    async def read(person_id: str, response: Response, asking: Asker) -> PersonView:
        await seals.check_person(person_id)
        return await _shown(people, person_id, asking, response)

    @app.get(
        "/people/{person_id}/export",
        tags=["people"],
        summary="Everything held on somebody",
        responses=problems(403, 404, 410, 507),
    )
    async def everything(person_id: str, asking: Asker) -> dict[str, Any]:
        with refusals_told():
            await seals.check_person(person_id)
            return await export(people, log, database, asking, person_id)


def _add_changing(app: FastAPI, people: People, seals: Seals) -> None:
    @app.post(
        "/people/{person_id}/correction",
        tags=["people"],
        summary="Correct who somebody is: the whole identity anew",
        responses=problems(400, 403, 404, 410, 412, 413, 415, 422, 428, 507),
        openapi_extra=form_contract(PersonForm),
    )
    async def correct(
        request: Request, response: Response, person_id: str, asking: Asker, if_match: IfMatch = None
    ) -> PersonView:
        form, expected = await read_form(request, PersonForm), expected_version(if_match)
        access = access_of(asking, "correction", people.clock())
        await seals.check_person(person_id)
        with refusals_told():
            await _in_use(people, person_id)
            corrected = await people.vault.correct(person_id, form.identity(), expected, access)
        if corrected is None:
            raise _stale()
        return await _shown(people, person_id, asking, response)

    @app.post(
        "/people/{person_id}/erasure",
        tags=["people"],
        summary="Forget somebody, by a decision",
        responses=problems(400, 404, 413, 415, 422, 507),
        openapi_extra=form_contract(ErasureForm, optional=True),
    )
    async def erase(request: Request, person_id: str, asking: Asker) -> ErasureView:
        form = await read_form(request, ErasureForm, optional=True)
        facts = {"decision": form.decision} if form.decision else {}
        with refusals_told():
            await people.erase(person_id, "decision", access_of(asking, "erasure", people.clock()), **facts)
        return ErasureView(person_id=person_id)


async def _shown(people: People, person_id: str, asking: Scope, response: Response) -> PersonView:
    with refusals_told():
        row = await _in_use(people, person_id)
        identity = await people.vault.identity(person_id, access_of(asking, "read", people.clock()))
    response.headers["ETag"] = etag(row.version)
    cases = await people.cases_of(person_id)
    return PersonView(person_id=person_id, cases=cases, version=row.version, **identity)


async def _in_use(people: People, person_id: str) -> Person:
    row = await people.known(person_id)
    if await people.is_restricted(row):
        raise restricted()
    return row


def _add_disclosures(app: FastAPI, disclosures: Disclosures) -> None:
    @app.get(
        "/disclosures/{referral_id}",
        tags=["people"],
        summary="Who a referral is about: for the partner that accepted it",
        responses=problems(404, 507),
    )
    async def disclose(referral_id: str, asking: Asker) -> dict[str, Any]:
        found = await disclosures.read(asking, referral_id)
        if found is None:
            # One answer for every reason: that there is such a referral is nobody else's business.
            raise not_found("disclosure")
        return {"referral_id": referral_id, **found}


def _stale() -> Problem:
    return Problem(
        412, "stale-version", "Somebody else was faster", "The identity was corrected meanwhile. Read it again.",
        [{"field": "If-Match", "detail": "Send the version that you read, as in \"3\"."}],
    )  # fmt: skip
