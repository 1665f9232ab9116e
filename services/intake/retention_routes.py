"""The HTTP edge of retention: who is due, elimination lists, the visa, and carrying out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel

from services.intake.asking import access_of, who_asks
from services.intake.eliminations import AlreadyCarriedOut, Eliminations, ListUnknown, VisaMissing
from services.intake.person_forms import VisaForm
from services.intake.vault.lists import EliminationList
from shared.access.scope import Scope
from shared.ids import new_id
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.problems import Problem, not_found

_Asker = Annotated[Scope, Depends(who_asks)]


class DueView(BaseModel):
    """A person, or a case about nobody that has notes, of whom nothing was heard for two years. `owner` is its id."""

    owner: str
    kind: Literal["person", "case"]
    last_contact: str


class DuePage(BaseModel):
    """What may be put on a list now, longest silent first."""

    entries: list[DueView]


class ListedView(DueView):
    """An entry of a list. `left_out`: came back before it was carried out."""

    left_out: bool


class ListView(BaseModel):
    """An elimination list, without a name on it."""

    list_id: str
    made_at: str
    visa: str | None
    visa_on: str | None
    carried_out_at: str | None
    entries: list[ListedView]


def add_retention_routes(app: FastAPI, eliminations: Eliminations) -> None:
    """Add the routes."""
    _add_lists(app, eliminations)
    _add_steps(app, eliminations)


def _add_lists(app: FastAPI, eliminations: Eliminations) -> None:
    @app.get("/retention/due", tags=["retention"], summary="Whose two years are over")
    async def due() -> DuePage:
        found = await eliminations.due()
        return DuePage.model_validate({"entries": [one._asdict() for one in found]})

    @app.post(
        "/eliminations",
        status_code=201,
        tags=["retention"],
        summary="Draw up a list of them, for the archives",
        responses=problems(507),
    )
    async def draw_up(asking: _Asker) -> ListView:
        return _view(await eliminations.draw_up(access_of(asking, "elimination-list", eliminations.now()), new_id()))

    @app.get("/eliminations/{list_id}", tags=["retention"], summary="One list", responses=problems(404))
    async def read(list_id: str) -> ListView:
        with _refusals_told():
            return _view(await eliminations.read(list_id))


def _add_steps(app: FastAPI, eliminations: Eliminations) -> None:
    @app.post(
        "/eliminations/{list_id}/visa",
        tags=["retention"],
        summary="Record the visa of the archives",
        responses=problems(400, 404, 409, 413, 415, 422, 507),
        openapi_extra=form_contract(VisaForm),
    )
    async def sign(request: Request, list_id: str, asking: _Asker) -> ListView:
        form = await read_form(request, VisaForm)
        access = access_of(asking, "elimination-visa", eliminations.now())
        with _refusals_told():
            return _view(await eliminations.sign(list_id, form.reference, form.signed_on, access))

    @app.post(
        "/eliminations/{list_id}/execution",
        tags=["retention"],
        summary="Forget everybody on it, with the visa of the archives",
        responses=problems(404, 409, 507),
    )
    async def carry_out(list_id: str, asking: _Asker) -> ListView:
        with _refusals_told():
            return _view(await eliminations.carry_out(list_id, access_of(asking, "elimination", eliminations.now())))


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except ListUnknown:
        raise not_found("list") from None
    except AlreadyCarriedOut:
        raise Problem(409, "carried-out", "It was carried out", "Nothing on it can be changed any more.") from None
    except VisaMissing:
        raise Problem(409, "visa-missing", "The archives have not agreed", "Record their visa first.") from None


def _view(listed: EliminationList) -> ListView:
    return ListView.model_validate({**listed._asdict(), "entries": [one._asdict() for one in listed.entries]})
