"""What can be asked of a referral over HTTP: a route for each move, each with its form."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.referral.answers import Answers
from services.referral.commands import (
    AcceptReferral,
    Asked,
    AskForPlace,
    CompleteReferral,
    DeclineReferral,
    HandToPartner,
    MissPerson,
    ReceivePerson,
    ReopenReferral,
    UndoMove,
    WalkPerson,
    WithdrawReferral,
)
from services.referral.handlers.referrals import By, Referrals
from services.referral.permanences.places import opening_of
from services.referral.queries import ReferralView, told_to
from services.referral.words import ChangeReason, DeclineReason, Outcome, SaidBy
from shared.access.acting import acting_scope, actor
from shared.catalogue import Catalogue
from shared.web.app import problems
from shared.web.body import form_contract, read_form
from shared.web.headers import IdempotencyKey, IfMatch
from shared.web.problems import invalid, not_found
from shared.web.versions import etag


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Decline(_Form):
    """Why not, and who said so."""

    reason: DeclineReason
    said_by: SaidBy = SaidBy.PARTNER


class Complete(_Form):
    """What came of it."""

    outcome: Outcome


class Book(_Form):
    """Which permanence; the lowest free place is taken."""

    permanence_id: str = Field(max_length=160, pattern=r"^[A-Za-z0-9_-]+$")


class Because(_Form):
    """Why the house changes its mind."""

    reason: ChangeReason


class Reroute(_Form):
    """Who is to have it instead."""

    partner: str = Field(max_length=16)


class PermanenceOff(BaseModel):
    """A permanence that does not take place, and the referrals of those who had a place: back in the queue."""

    permanence_id: str
    partner: str
    put_back: list[str]


_MOVES: tuple[tuple[str, str, type[BaseModel] | None, Callable[[Any], Asked]], ...] = (
    ("accept", "Take it on", None, lambda _form: AcceptReferral()),
    ("decline", "Say no, and why", Decline, lambda form: DeclineReferral(form.reason.value, form.said_by.value)),
    ("book", "Keep a place of a permanence", Book, lambda form: AskForPlace(form.permanence_id)),
    ("walk", "The desk walks the person to the door", None, lambda _form: WalkPerson()),
    ("receive", "The partner receives the person", None, lambda _form: ReceivePerson()),
    ("miss", "The person did not come, or left", None, lambda _form: MissPerson()),
    ("complete", "Say what came of it", Complete, lambda form: CompleteReferral(form.outcome.value)),
    ("withdraw", "Take it back", Because, lambda form: WithdrawReferral(form.reason.value)),
    ("reopen", "Go on with what had ended", Because, lambda form: ReopenReferral(form.reason.value)),
    ("reroute", "Hand it to another partner", Reroute, lambda form: HandToPartner(form.partner)),
    ("undo", "The last move was a mistake", None, lambda _form: UndoMove()),
)
"""Verb, summary, form, and the command that a form asks for."""


def add_moves(app: FastAPI, catalogue: Catalogue, answers: Answers, referrals: Referrals) -> None:
    """Add a route for each move, and one that calls a permanence off."""
    for verb, summary, form, command in _MOVES:
        _add_move(app, catalogue, answers, verb, summary, form, command)

    @app.post(
        "/permanences/{permanence_id}/cancel",
        tags=["partners"],
        summary="Call a permanence off; who had a place is put back into the queue",
        responses=problems(404),
    )
    async def cancel(permanence_id: str) -> PermanenceOff:
        opening = opening_of(catalogue, permanence_id)
        if opening is None:
            raise not_found("permanence")
        put_back = await referrals.cancel_permanence(opening, By(actor() or "house"))
        return PermanenceOff(permanence_id=permanence_id, partner=opening.partner, put_back=put_back)


def _add_move(
    app: FastAPI,
    catalogue: Catalogue,
    answers: Answers,
    verb: str,
    summary: str,
    form: type[BaseModel] | None,
    command: Callable[[Any], Asked],
) -> None:
    @app.post(
        f"/referrals/{{referral_id}}/{verb}",
        name=verb,
        tags=["referrals"],
        summary=summary,
        responses=problems(400, 404, 409, 412, 413, 415, 422, 428, 507),
        openapi_extra=form_contract(form) if form else None,
    )
    async def move(
        request: Request, response: Response, referral_id: str, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> ReferralView:
        # Looked for first: who may not know of it learns nothing from what is said about the form, either.
        scope = acting_scope()
        known = await answers.known(scope, referral_id)
        asked = command(await read_form(request, form) if form else None)
        if isinstance(asked, HandToPartner) and asked.partner not in catalogue.partners_by_code:
            raise invalid([{"field": "partner", "detail": "There is no such partner: choose one of GET /partners."}])
        view = await answers.carry_out(scope, known, verb, asked, if_match, dict(request.headers.raw))
        response.headers["ETag"] = etag(view.version)
        return told_to(scope, view, catalogue)
