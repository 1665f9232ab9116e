"""The HTTP edge of collective actions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel

from services.intake.actions.action import (
    ActionUnknown,
    ActionVoidedAlready,
    Attendee,
    CorrectHeadcount,
    FewerThanNamed,
    HeadcountRight,
    Held,
    NotThere,
    RecordAttendance,
    ThereAlready,
    VoidAction,
    WithdrawAttendance,
    partners_of,
)
from services.intake.actions.forms import ActionForms, AttendanceForm, HeadcountForm
from services.intake.actions.holding import Actions, Found
from services.intake.case_life import case_state
from services.intake.decider import NoCase
from services.intake.persons import People
from services.intake.refused import refusals_told as vault_refusals_told
from shared.access.acting import acting_scope
from shared.catalogue import Catalogue
from shared.events.intake import CollectiveActionHeld
from shared.ids import new_id
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.headers import IdempotencyKey, IfMatch
from shared.web.parameters import Year
from shared.web.problems import Problem, invalid, not_found
from shared.web.versions import etag, expected_version


class AttendanceView(BaseModel):
    """Somebody who was there: a case or a person."""

    case_id: str | None = None
    person_id: str | None = None


class ActionView(BaseModel):
    """An action as it stands: `held`, or `voided`. Of `headcount` people, `attendances` are known to the house."""

    action_id: str
    site: str
    kind: str
    held_at: str
    category: str
    topic: str | None = None
    leaders: list[str]
    speakers: list[str]
    partners: list[str]
    headcount: int
    attendances: list[AttendanceView]
    status: str
    recorded_by: str | None = None
    version: int


class ActionsView(BaseModel):
    """The actions of a site in a year, the newest first. Voided ones are left out."""

    site: str
    year: int
    actions: list[ActionView]


def view_of(found: Found) -> ActionView:
    """An action as it is told."""
    standing, held = found.standing, found.standing.held
    return ActionView(
        action_id=held.action_id,
        site=held.site,
        kind=held.kind,
        held_at=held.held_at,
        category=held.category,
        topic=held.topic,
        leaders=list(held.leaders),
        speakers=list(held.speakers),
        partners=list(partners_of(held)),
        headcount=held.headcount,
        attendances=[
            AttendanceView(person_id=one.known_as) if one.is_person else AttendanceView(case_id=one.known_as)
            for one in (standing.named if isinstance(found.state, Held) else ())
        ],
        status=found.state.status,
        recorded_by=found.entered_by,
        version=found.version,
    )


@contextmanager
def refusals_told() -> Iterator[None]:
    """Whatever the rules of an action refuse leaves as a problem."""
    try:
        yield
    except ActionUnknown:
        raise not_found("action") from None
    except NotThere:
        raise not_found("attendance") from None
    except ActionVoidedAlready:
        raise Problem(409, "wrong-state", "The action was voided", "It never was: enter another one.") from None
    except ThereAlready:
        raise Problem(409, "there-already", "They are named already", "Nobody is there twice.") from None
    except HeadcountRight:
        raise Problem(409, "nothing-to-correct", "Nothing to correct", "The headcount is that already.") from None
    except FewerThanNamed as refusal:
        raise Problem(
            409, "fewer-than-named", "More people named than counted",
            "Correct the headcount first, or take off who was not there.", facts={"named": refusal.named},
        ) from None  # fmt: skip


class Attendances:
    """Says who was there, when the house knows them."""

    def __init__(self, actions: Actions, people: People, catalogue: Catalogue) -> None:
        self.actions, self._people, self._catalogue = actions, people, catalogue

    def names_nobody(self, held: CollectiveActionHeld) -> bool:
        """Whether to have been there would say too much: its topic is sensitive, or known no more."""
        topic = self._catalogue.topics_by_code.get(held.topic or "")
        return held.topic is not None and (topic is None or topic.sensitive)

    async def check(self, attendee: Attendee, found: Found) -> None:
        """Raise the 404, 409, 410 or 422 problem for somebody who may not be named, or whom the house does not know."""
        if self.names_nobody(found.standing.held):
            raise Problem(
                409, "nobody-named", "Nobody is named there", "The topic is sensitive: count people, name none.",
            )  # fmt: skip
        if attendee.is_person:
            with vault_refusals_told():
                await self._people.known(attendee.known_as)
        elif isinstance(await case_state(self._people.log, attendee.known_as), NoCase):
            raise invalid([{"field": "case_id", "detail": "There is no such case: correct it."}])


def add_action_routes(app: FastAPI, attendances: Attendances, catalogue: Catalogue) -> None:
    """Add the routes."""
    actions = attendances.actions
    _add_looking(app, actions, catalogue)
    _add_holding(app, actions, ActionForms(catalogue))
    _add_attendances(app, attendances)
    _add_putting_right(app, actions)


def _add_looking(app: FastAPI, actions: Actions, catalogue: Catalogue) -> None:
    sites = {"enum": [site.code for site in catalogue.sites]}

    @app.get("/actions", tags=["actions"], summary="The actions of a site in a year", responses=problems(422))
    async def of_year(
        site: Annotated[str | None, Query(json_schema_extra=sites)] = None, year: Year | None = None
    ) -> ActionsView:
        code = catalogue.default_site.code if site is None else site
        if code not in catalogue.sites_by_code:
            raise invalid([{"field": "site", "detail": "There is no such site: correct it, or leave it out."}])
        chosen = int(actions.now(code)[:4]) if year is None else year
        found = await actions.of_year(acting_scope(), code, chosen)
        return ActionsView(site=code, year=chosen, actions=[view_of(one) for one in found])

    @app.get("/actions/{action_id}", tags=["actions"], summary="An action", responses=problems(404))
    async def look(response: Response, action_id: str) -> ActionView:
        return await _told(actions, action_id, response)


def _add_holding(app: FastAPI, actions: Actions, forms: ActionForms) -> None:
    @app.post(
        "/actions",
        status_code=201,
        tags=["actions"],
        summary="Enter an action that was held",
        responses=problems(400, 403, 409, 413, 415, 422, 507),
        openapi_extra=form_contract(forms.action),
    )
    async def hold(request: Request, response: Response, _key: IdempotencyKey = None) -> ActionView:
        form: Any = await read_form(request, forms.action)
        held = forms.held(form, new_id(), actions.clock())
        asked = form.model_dump_json(exclude_unset=True).encode()
        with refusals_told():
            action_id, was_there = await actions.hold(held, asked, dict(request.headers.raw))
        if was_there:
            response.headers["Idempotency-Replayed"] = "true"
        response.headers["Location"] = f"/actions/{action_id}"
        return await _told(actions, action_id, response)


def _add_attendances(app: FastAPI, attendances: Attendances) -> None:
    actions = attendances.actions
    refused = problems(400, 403, 404, 409, 410, 412, 413, 415, 422, 507)

    async def change(
        request: Request, response: Response, action_id: str, if_match: str | None, *, was_there: bool
    ) -> ActionView:
        attendee = (await read_form(request, AttendanceForm)).attendee()
        expected = None if if_match is None else expected_version(if_match)
        command = RecordAttendance(attendee) if was_there else WithdrawAttendance(attendee)
        with refusals_told():
            found = await actions.look(acting_scope(), action_id)
            if was_there:
                await attendances.check(attendee, found)
            if await actions.change(action_id, command, expected, dict(request.headers.raw)):
                response.headers["Idempotency-Replayed"] = "true"
        return await _told(actions, action_id, response)

    @app.post(
        "/actions/{action_id}/attendances",
        status_code=201,
        tags=["actions"],
        summary="Somebody whom the house knows was there",
        responses=refused,
        openapi_extra=form_contract(AttendanceForm),
    )
    async def attend(
        request: Request, response: Response, action_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> ActionView:
        return await change(request, response, action_id, if_match, was_there=True)

    @app.post(
        "/actions/{action_id}/attendances/withdrawal",
        tags=["actions"],
        summary="They were not there",
        responses=refused,
        openapi_extra=form_contract(AttendanceForm),
    )
    async def withdraw(
        request: Request, response: Response, action_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> ActionView:
        return await change(request, response, action_id, if_match, was_there=False)


def _add_putting_right(app: FastAPI, actions: Actions) -> None:
    refused = problems(400, 403, 404, 409, 412, 413, 415, 422, 428, 507)

    @app.post(
        "/actions/{action_id}/headcount",
        tags=["actions"],
        summary="There were more, or fewer",
        responses=refused,
        openapi_extra=form_contract(HeadcountForm),
    )
    async def correct(
        request: Request, response: Response, action_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> ActionView:
        form, expected = await read_form(request, HeadcountForm), expected_version(if_match)
        with refusals_told():
            await actions.change(action_id, CorrectHeadcount(form.headcount), expected, dict(request.headers.raw))
        return await _told(actions, action_id, response)

    @app.post("/actions/{action_id}/void", tags=["actions"], summary="It never was", responses=refused)
    async def void(
        request: Request, response: Response, action_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> ActionView:
        expected = expected_version(if_match)
        with refusals_told():
            await actions.change(action_id, VoidAction(), expected, dict(request.headers.raw))
        return await _told(actions, action_id, response)


async def _told(actions: Actions, action_id: str, response: Response) -> ActionView:
    with refusals_told():
        found = await actions.look(acting_scope(), action_id)
    response.headers["ETag"] = etag(found.version)
    return view_of(found)
