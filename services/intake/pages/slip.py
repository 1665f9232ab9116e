"""The orientation slip: a small sheet that the visitor takes along, in French and in a language of their own."""

from datetime import datetime
from typing import Literal, NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from services.intake.invitations.codes import spoken
from services.intake.pages.board import Board
from services.intake.pages.desk import Desk
from services.intake.pages.proposing import Proposal, proposal
from services.intake.pages.slip_words import SLIP_WORDS, SlipWords, when_said
from shared.clock import utc_now
from shared.web.pages import Asked, PageRouter

Visitor = Literal["fr", "en", "ar", "tr", "pt"]


class Spoken(NamedTuple):
    """A place to go to, said in one language."""

    code: str
    words: SlipWords
    where: str
    when: str


class Stop(NamedTuple):
    """A place to go to: the partner, said in French first and then in the visitor's language.

    `code` = that of an invitation, as it is printed; empty for a place that a request leads to.
    """

    partner: str
    spoken: tuple[Spoken, ...]
    code: str = ""


def slip_router(desk: Desk) -> APIRouter:
    """`/visits/{visit_id}/slip`. `visitor`: the language beside French."""
    router = PageRouter()

    @router.get("/visits/{visit_id}/slip")
    async def slip(page: Asked, visit_id: str, visitor: Visitor = "fr") -> Response:
        visit = await desk.may_see(page, visit_id, page.path)
        if isinstance(visit, Response):
            return visit
        now = utc_now()
        board = Board(desk.catalogue, visit.site, page.language, now)
        codes = dict.fromkeys(("fr", visitor))
        found = desk.directed(visit, now)
        # Somebody else may find the slip in a pocket: what is confidential is said, never printed.
        places = [place for one in found if not one.is_confidential for place in one.places]
        stops = [Stop(place.name, tuple(_spoken(board, place, code) for code in codes)) for place in places]
        if visit.invitation and (inviting := _inviting(desk, visit.site, now)):
            told = tuple(_spoken(board, inviting, code) for code in codes)
            stops.append(Stop(inviting.name, told, spoken(visit.invitation)))
        return page.render(
            "slip.html", visit_id=visit_id, site=board.site, stops=stops, visitor=visitor, codes=codes, words=SLIP_WORDS
        )

    return router


def _inviting(desk: Desk, site: str, at: datetime) -> Proposal | None:
    """Where those go who were invited; None when the house invites to nobody, or from there, any more."""
    partner = desk.catalogue.invites_to
    if partner is None or site not in desk.catalogue.sites_by_code:
        return None
    return proposal(desk.catalogue, desk.catalogue.site(site), desk.catalogue.partner(partner), at)


def _spoken(board: Board, place: Proposal, code: str) -> Spoken:
    words = SLIP_WORDS[code]
    named = next((office.name for office in board.site.offices if office.code == place.office), None)
    return Spoken(code, words, named or words.here, when_said(code, place, board.now))
