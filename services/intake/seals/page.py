"""The page on which the coordination and the data protection officer see who opened a sealed case, and why."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from services.intake.access.accounts import Accounts
from services.intake.commands import SealGround
from services.intake.seals.sealed import Seals
from services.intake.vault.openings import Opening
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.web.pages import Asked, Notice, PageRouter, mark, moment

HERE = "/openings/page"
GROUNDS: Mapping[str, str] = {
    SealGround.IN_DANGER: mark("personne en danger"),
    SealGround.WORKS_HERE: mark("travaille à la maison"),
    SealGround.KNOWN_TO_STAFF: mark("connue d’un agent"),
    SealGround.PUBLIC_FIGURE: mark("personne publique"),
    SealGround.COURT: mark("décision de justice"),
    SealGround.OTHER: mark("autre"),
}


class Shown(NamedTuple):
    """An opening as the page says it: when in words, who by name."""

    opening: Opening
    when: str
    who: str
    seen_by: str | None


def openings_page(seals: Seals, accounts: Accounts, catalogue: Catalogue) -> APIRouter:
    """The page, and the button that says that an opening was seen."""
    router, zone = PageRouter(), catalogue.sites[0].zone

    @router.get(HERE)
    async def read(page: Asked) -> Response:
        now = utc_now().astimezone(zone)
        # A name stands beside a code for whoever answers for who has an account, and for nobody else.
        names = {one.account_id: one.display_name for one in await accounts.all()}
        shown = [
            Shown(
                one,
                moment(page.language, datetime.fromisoformat(one.at).astimezone(zone), now),
                names.get(one.account, one.account),
                names.get(one.seen_by, one.seen_by) if one.seen_by else None,
            )
            for one in await seals.openings()
        ]
        sealed = [
            (one, datetime.fromisoformat(one.since).astimezone(zone).date()) for one in (await seals.sealed()).values()
        ]
        return page.render("openings.html", openings=shown, sealed=sealed, grounds=GROUNDS)

    @router.post("/openings/{opening_id}/seen")
    async def seen(page: Asked, opening_id: str) -> Response:
        await seals.note_seen(opening_id)
        return page.redirect(HERE, Notice("opening_seen"))

    return router
