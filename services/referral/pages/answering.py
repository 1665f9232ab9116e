"""One referral on its partner's desk: what it is about, and a form for each answer."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.referral import queries
from services.referral.answers import Answers
from services.referral.commands import (
    AcceptReferral,
    AskForPlace,
    CompleteReferral,
    DeclineReferral,
    MissPerson,
    ReceivePerson,
    ReopenReferral,
    UndoMove,
    WalkPerson,
    WithdrawReferral,
)
from services.referral.commands import Asked as Command
from services.referral.pages.desk import Queue, back_of, filter_of, speaks_for_the_house
from services.referral.pages.saying import DONE, NOT_FROM_HERE, OUTCOMES, REASONS, REFUSED, SAID_BY, WITHDRAWN_FOR
from services.referral.permanences import occupancy
from services.referral.permanences.planner import Planned
from services.referral.queries import ReferralView
from services.referral.words import ChangeReason, DeclineReason, Outcome, SaidBy
from shared.access.acting import acting_scope
from shared.clock import utc_now
from shared.ids import new_id
from shared.web.pages import Asked, FormFaults, Notice, Page, PageRouter
from shared.web.problems import Problem, not_found
from shared.web.versions import etag

BOOKABLE_DAYS = 28
BOOKABLE_MAX = 8
OF_THE_HOUSE = frozenset({"walk", "withdraw"})
"""What a partner cannot do for the desk."""
_IDEMPOTENCY = b"idempotency-key"
_FASTER = "stale-version"
_CURSOR = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class Move(BaseModel):
    """What every form sends: the version it was decided on, a key of its own, and where to go back to."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=999_999_999)]
    key: Annotated[str, Field(max_length=40)]
    back: Annotated[str, Field(max_length=200)] = ""


class Decline(Move):
    """Why not, and who said so."""

    reason: DeclineReason
    said_by: SaidBy


class Complete(Move):
    """What came of it."""

    outcome: Outcome


class Book(Move):
    """Which permanence."""

    permanence_id: Annotated[str, Field(max_length=160, pattern=r"^[A-Za-z0-9_-]+$")]


class Because(Move):
    """Why the house changes its mind."""

    reason: ChangeReason


_MOVES: Mapping[str, tuple[type[Move], Callable[[Any], Command]]] = {
    "accept": (Move, lambda _form: AcceptReferral()),
    "walk": (Move, lambda _form: WalkPerson()),
    "receive": (Move, lambda _form: ReceivePerson()),
    "miss": (Move, lambda _form: MissPerson()),
    "undo": (Move, lambda _form: UndoMove()),
    "decline": (Decline, lambda form: DeclineReferral(form.reason.value, form.said_by.value)),
    "complete": (Complete, lambda form: CompleteReferral(form.outcome.value)),
    "book": (Book, lambda form: AskForPlace(form.permanence_id)),
    "withdraw": (Because, lambda form: WithdrawReferral(form.reason.value)),
    "reopen": (Because, lambda form: ReopenReferral(form.reason.value)),
}


class Answering:
    """The page of one referral, and what its forms do."""

    def __init__(self, queue: Queue, answers: Answers) -> None:
        self._queue, self._answers = queue, answers

    async def show(
        self,
        page: Page,
        referral_id: str,
        *,
        back: str = "",
        status: int = 200,
        verb: str = "",
        faults: FormFaults | None = None,
        refused: str = "",
        typed: Mapping[str, Any] | None = None,
    ) -> Response:
        """The page; after a refusal with what was typed, the form of `verb` open, and `refused` in words."""
        view = await self._known(referral_id)
        row = self._queue.rows(page, acting_scope()).row(view)
        moves = [move for move in row.moves if move not in OF_THE_HOUSE or speaks_for_the_house()]
        return page.render(
            "desk_referral.html",
            status,
            row=row,
            moves=moves,
            partner=self._queue.catalogue.partners_by_code[view.queue],
            bookable=await self._bookable(view) if "book" in moves else [],
            offices={office.code: office.name for site in self._queue.catalogue.sites for office in site.offices},
            back=back,
            verb=verb,
            faults=faults,
            refused=refused,
            typed=typed or {},
            key=new_id,
            done=DONE,
            reasons=_choices(page, {reason.value: REASONS[reason.value] for reason in DeclineReason}),
            withdrawn_for=_choices(page, {reason.value: REASONS[reason.value] for reason in WITHDRAWN_FOR}),
            reopened_for=_choices(page, {reason.value: REASONS[reason.value] for reason in _REOPENED_FOR}),
            said_by=_choices(page, SAID_BY),
            outcomes=_choices(page, OUTCOMES),
        )

    async def carry_out(self, page: Page, referral_id: str, verb: str) -> Response:
        """What a form asks for; then back to the queue, where it can be undone."""
        (model, command), scope = _MOVES[verb], acting_scope()
        known = await self._answers.known(scope, referral_id)
        try:
            form = await page.form(model)
        except FormFaults as faults:
            back = _known_back(str(faults.typed.get("back", "")))
            return await self.show(
                page, referral_id, back=back, status=422, verb=verb, faults=faults, typed=faults.typed
            )
        headers = {_IDEMPOTENCY: form.key.encode()}
        back = _known_back(form.back)
        try:
            view = await self._answers.carry_out(scope, known, verb, command(form), etag(form.version), headers)
        except Problem as problem:
            if problem.status not in (409, 412, 422):
                raise
            typed = form.model_dump(mode="json")
            return await self.show(
                page, referral_id, back=back, status=problem.status if problem.status != 412 else 409, verb=verb,
                refused=self._refused(page, problem), typed=typed,
            )  # fmt: skip
        to = f"/desks/{view.queue}" + (f"?{back}" if back else "")
        return page.redirect(to, Notice(verb, (view.referral_id, str(view.version))))

    def _refused(self, page: Page, problem: Problem) -> str:
        if problem.slug in (_FASTER, "wrong-state") and problem.facts.get("changed_at"):
            rows = self._queue.rows(page, acting_scope())
            said = rows.conflict(problem.facts["changed_at"], str(problem.facts.get("changed_by")))
            return said if problem.slug == _FASTER else f"{page.language.gettext(NOT_FROM_HERE)} {said}"
        return page.language.gettext(REFUSED.get(problem.slug, NOT_FROM_HERE))

    async def _known(self, referral_id: str) -> ReferralView:
        scope = acting_scope()
        view = await self._answers.known(scope, referral_id)
        if view.queue not in self._queue.catalogue.partners_by_code:
            raise not_found("referral")
        return queries.told_to(scope, view, self._queue.catalogue)

    async def _bookable(self, view: ReferralView) -> list[Planned]:
        found: list[Planned] = []
        for site in self._queue.catalogue.sites:
            today = utc_now().astimezone(site.zone).date()
            held = await occupancy.permanences(
                self._queue.database, self._queue.catalogue, site.code,
                today, today + timedelta(days=BOOKABLE_DAYS), view.queue,
            )  # fmt: skip
            found += [one for one in held if one.places_left and one.opening.end > utc_now()]
        return found[:BOOKABLE_MAX]


_REOPENED_FOR = (ChangeReason.MISTAKE, ChangeReason.CAME_BACK, ChangeReason.OTHER)


def _choices(page: Page, marked: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(value, page.language.gettext(words)) for value, words in marked.items()]


def _known_back(back: str) -> str:
    """The query to go back to, rebuilt from what it may hold."""
    asked = dict(parse_qsl(back))
    after = asked.get("after", "")
    return back_of(
        filter_of(asked.get("status", ""), asked.get("category", ""), bool(asked.get("late"))),
        after if _CURSOR.fullmatch(after) else "",
    )


def answering_pages(queue: Queue, answers: Answers) -> APIRouter:
    """A referral's page, and a route for each of its forms."""
    router, answering = PageRouter(), Answering(queue, answers)

    @router.get("/desks/referral/{referral_id}")
    async def referral(
        page: Asked,
        referral_id: str,
        status: str = "",
        category: str = "",
        late: str = "",
        after: str = "",
    ) -> Response:
        back = _known_back(f"status={status}&category={category}&late={late}&after={after}")
        return await answering.show(page, referral_id, back=back)

    for verb in _MOVES:
        _add_move(router, answering, verb)
    return router


def _add_move(router: APIRouter, answering: Answering, verb: str) -> None:
    @router.post(f"/desks/referral/{{referral_id}}/{verb}", name=f"desk_{verb}")
    async def move(page: Asked, referral_id: str) -> Response:
        return await answering.carry_out(page, referral_id, verb)
