"""The page of a case: what happened in it, as it stands or as it stood, and what may be done with it.

It does what the API does and nothing more. Who the case is about is not on it: that is read from the vault, on record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.intake import queries
from services.intake.case_life import change_case, merge_cases, unmerge_case
from services.intake.changes import Act, CaseChanges
from services.intake.commands import CloseCase, CloseReason, MergeCases, ReopenCase, SealGround, UnmergeCase
from services.intake.discretion import CONFIDENTIAL as UNTOLD
from services.intake.discretion import case_told_to
from services.intake.pages.board import CHANNEL_WORDS, CONFIDENTIAL, STATE_WORDS, Board
from services.intake.person_forms import NOTE_LETTERS_MAX
from services.intake.plain_forms import UUID
from services.intake.queries import CaseView, RequestView, VisitView
from services.intake.refused import refusals_told
from services.intake.seals.opening_page import address_of, kept
from services.intake.seals.page import GROUNDS, HERE
from services.intake.seals.sealed import SLUG, Seals
from shared.access.acting import acting, acting_scope
from shared.access.principal import Role
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.ids import new_id
from shared.log import Log, VersionConflict
from shared.web.idempotency import KEY_PATTERN
from shared.web.pages import Asked, FieldFault, FormFaults, Notice, Page, PageRouter, mark
from shared.web.problems import Problem, not_found

REASONS = {
    CloseReason.DONE: mark("Tout est fait"),
    CloseReason.NO_NEWS: mark("Plus de nouvelles"),
    CloseReason.MOVED_AWAY: mark("La personne a déménagé"),
    CloseReason.ELSEWHERE: mark("Suivie ailleurs"),
    CloseReason.OPENED_BY_MISTAKE: mark("Ouvert par erreur"),
    CloseReason.OTHER: mark("Autre raison"),
}
_STATUS = {"open": mark("ouvert"), "closed": mark("clos"), "merged": mark("réuni avec un autre")}
_TOO_LATE = mark("Quelqu’un d’autre a changé ce dossier entre-temps. Le voici comme il est maintenant.")
_NO_MOMENT = mark("Écrivez un jour et une heure.")
_NOT_YET = mark("Ce dossier n’était pas encore ouvert.")
_REFUSED = {
    "case-closed": mark("Ce dossier est clos : rouvrez-le d’abord."),
    "case-open": mark("Ce dossier est ouvert : il n’y a rien à rouvrir."),
    "case-merged": mark("Ce dossier est réuni avec un autre : ouvrez celui-là."),
    "case-not-merged": mark("Ce dossier n’est réuni avec aucun autre."),
    "same-case": mark("C’est le même dossier : indiquez-en un autre."),
    "people-differ": mark("Ces dossiers concernent deux personnes : ils ne peuvent pas être réunis."),
    "not-found": mark("Il n’y a pas de dossier de ce numéro."),
}
_SEALERS = frozenset({Role.COORDINATOR, Role.DATA_PROTECTION})
PATH = "/cases/{case_id}/page"
NOTES_PATH = "/cases/{case_id}/notes/page"


class Move(StrEnum):
    """What the page's forms ask for."""

    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"
    UNMERGE = "unmerge"


class CaseForm(BaseModel):
    """A move, at the version that was shown."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]
    key: Annotated[str, Field(pattern=KEY_PATTERN)]
    move: Move
    reason: CloseReason = CloseReason.DONE
    into: Annotated[str, Field(pattern=UUID)] | None = None


class SealPageForm(BaseModel):
    """Whether the case is to be sealed, and why."""

    model_config = ConfigDict(extra="forbid")

    seal: Literal["on", "off"]
    ground: SealGround = SealGround.IN_DANGER


class Line(NamedTuple):
    """A visit of the case in words, with what became of each request."""

    visit: VisitView
    at: datetime
    site: str
    channel: str
    requests: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class CasePages:
    """What the page stands on."""

    log: Log
    database: Database
    catalogue: Catalogue
    changes: CaseChanges
    seals: Seals

    async def may_see(self, page: Page, case_id: str) -> CaseView | Response:
        """The case as far as whoever acts may know it; for a sealed one, the way to open it. Raises the 404."""
        view = await queries.case(self.log, self.database, acting_scope(), case_id)
        if view is None:
            raise not_found("case")
        return await self._opened(page, view)

    async def then(self, page: Page, case_id: str, at: datetime) -> CaseView | Response | None:
        """Likewise, the case as it stood at a moment; None before it was opened."""
        view = await queries.case(self.log, self.database, acting_scope(), case_id, at)
        return await self._opened(page, view) if view else None

    async def show(
        self,
        page: Page,
        case: CaseView,
        at: datetime | None = None,
        *,
        status: int = 200,
        faults: FormFaults | None = None,
    ) -> Response:
        """The case, and what may be done with it now; of a moment in the past, only how it stood."""
        board = Board(self.catalogue, case.site, page.language, utc_now())
        sealed = (await self.seals.sealed()).get(case.case_id)
        return page.render(
            "case.html",
            status,
            faults=faults,
            typed=faults.typed if faults else {},
            case=case,
            status_words=_STATUS[case.status],
            opened=datetime.fromisoformat(case.opened_at),
            at=at.astimezone(board.site.zone) if at else None,
            now=board.now.isoformat()[:16],
            visits=[self._line(page, board, visit) for visit in reversed(case.visits)],
            closed_for=REASONS.get(CloseReason(case.closed_for)) if case.closed_for else None,
            reasons=[(reason.value, words) for reason, words in REASONS.items()],
            grounds=list(GROUNDS.items()),
            sealed=sealed,
            may_seal=page.reader is not None and page.reader.code in _SEALERS,
            note_letters_max=NOTE_LETTERS_MAX,
            new_key=new_id,
            address=address,
            notes_address=NOTES_PATH.format(case_id=case.case_id),
        )

    def zone(self, case_site: str) -> ZoneInfo:
        """The time zone of a case."""
        return self.catalogue.sites_by_code.get(case_site, self.catalogue.default_site).zone

    def moment(self, case_site: str, at: str) -> datetime | None:
        """The moment that was typed, in the site's time zone; None where it is none."""
        try:
            return datetime.fromisoformat(at).replace(tzinfo=self.zone(case_site))
        except ValueError:
            return None

    async def carry_out(self, page: Page, case: CaseView, form: CaseForm) -> Response:
        """Change the case and show it; or show why not, and where it stands."""
        act, asked = self._act(case.case_id, form)
        headers = {b"idempotency-key": form.key.encode()}
        try:
            if act is None:
                raise not_found("case")
            await self.changes.carry_out(case.case_id, form.move, asked.encode(), f'"{form.version}"', headers, act)
        except VersionConflict:
            fault, status = FieldFault("case", _TOO_LATE), 412
        except Problem as problem:
            if problem.slug not in _REFUSED:
                raise
            fault, status = FieldFault("into" if form.into else "case", _REFUSED[problem.slug]), 409
        else:
            return page.redirect(address(case.case_id), Notice(f"case_{form.move}"))
        now = await self.may_see(page, case.case_id)
        if isinstance(now, Response):
            return now
        return await self.show(page, now, status=status, faults=FormFaults([fault], form.model_dump(mode="json")))

    async def _opened(self, page: Page, view: CaseView) -> CaseView | Response:
        # What it absorbed and gave back is in its past, and may be sealed since.
        try:
            await self.seals.check_case(*queries.cases_told(view))
        except Problem as problem:
            if problem.slug != SLUG:
                raise
            sealed, query = problem.facts["case_id"], page.request.url.query
            if page.request.method == "POST":
                return await kept(page, sealed, address(view.case_id))
            return page.redirect(address_of(sealed, f"{page.path}?{query}" if query else page.path))
        return case_told_to(acting(), view, self.catalogue)

    def _act(self, case_id: str, form: CaseForm) -> tuple[Act | None, str]:
        """What is done, and what the idempotency key is bound to. None: no case was named to merge it with."""
        match form.move:
            case Move.CLOSE:
                closing = CloseCase(case_id, form.reason)
                return lambda context, at: change_case(self.log, closing, context, at), f"close {form.reason}"
            case Move.REOPEN:
                return lambda context, at: change_case(self.log, ReopenCase(case_id), context, at), "reopen"
            case Move.UNMERGE:
                return lambda context, at: unmerge_case(self.log, UnmergeCase(case_id), context, at), "unmerge"
        if form.into is None:
            return None, ""
        merging = MergeCases(form.into, case_id)
        return lambda context, at: merge_cases(self.log, merging, context, at), f"merge {form.into}"

    def _line(self, page: Page, board: Board, visit: VisitView) -> Line:
        site = self.catalogue.sites_by_code.get(visit.site)
        return Line(
            visit,
            datetime.fromisoformat(visit.occurred_at),
            site.name if site else visit.site,
            page.language.gettext(CHANNEL_WORDS[visit.channel]),
            [(self._subject(page, board, one), self._way(page, one)) for one in visit.requests],
        )

    def _subject(self, page: Page, board: Board, request: RequestView) -> str:
        if request.category == UNTOLD:
            return page.language.gettext(CONFIDENTIAL)
        return board.subject(request.category, request.topic)

    def _way(self, page: Page, request: RequestView) -> list[str]:
        """Where the request went, and how it stands there: `Sauvegarde 21 : acceptée`."""
        if request.answered:
            return [page.language.gettext("répondu sur place")]
        names: Mapping[str, str] = {one.code: one.name for one in self.catalogue.partners}
        return [
            f"{names.get(one.partner, page.language.gettext(CONFIDENTIAL))} : "
            f"{page.language.gettext(STATE_WORDS.get(one.status, one.status))}"
            for one in request.referrals
        ]


def address(case_id: str) -> str:
    """The page of a case."""
    return PATH.format(case_id=case_id)


def case_router(cases: CasePages) -> APIRouter:
    """The page and its forms."""
    router = PageRouter()

    @router.get(PATH)
    async def show(page: Asked, case_id: str, at: Annotated[str, Query(max_length=30)] = "") -> Response:
        view = await cases.may_see(page, case_id)
        if isinstance(view, Response) or not at:
            return view if isinstance(view, Response) else await cases.show(page, view)
        moment = cases.moment(view.site, at)
        then = await cases.then(page, case_id, moment) if moment else None
        if then is None:
            faults = FormFaults([FieldFault("at", _NOT_YET if moment else _NO_MOMENT)], {"at": at})
            return await cases.show(page, view, status=422, faults=faults)
        return then if isinstance(then, Response) else await cases.show(page, then, moment)

    @router.post(PATH)
    async def change(page: Asked, case_id: str) -> Response:
        view = await cases.may_see(page, case_id)
        if isinstance(view, Response):
            return view
        try:
            form = await page.form(CaseForm)
        except FormFaults as faults:
            return await cases.show(page, view, status=422, faults=faults)
        return await cases.carry_out(page, view, form)

    @router.post("/cases/{case_id}/seal/page")
    async def seal(page: Asked, case_id: str) -> Response:
        form: Any = await page.form(SealPageForm)
        with refusals_told():
            if form.seal == "on":
                await cases.seals.seal(case_id, form.ground)
            else:
                await cases.seals.unseal(case_id)
        return page.redirect(HERE, Notice(f"seal_{form.seal}"))

    return router
