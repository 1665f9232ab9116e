"""Where a link is asked for: JSON, for the desk."""

from datetime import UTC

from fastapi import FastAPI
from pydantic import BaseModel

from services.referral.links import Links, NoLink, NotWaiting
from shared.web.app import problems
from shared.web.problems import Problem, not_found


class LinkView(BaseModel):
    """A path of this service that answers one referral. Hand it to its partner only; it is shown once."""

    url: str
    referral_id: str
    version: int
    expires_at: str


def add_link_routes(app: FastAPI, links: Links) -> None:
    """Add the route that gives a link."""

    @app.post(
        "/referrals/{referral_id}/link",
        tags=["referrals"],
        summary="A link by which its partner answers without an account, for 8 days",
        status_code=201,
        responses=problems(404, 409),
    )
    async def link(referral_id: str) -> LinkView:
        try:
            token, grant = await links.give(referral_id)
        except NoLink:
            remedy = "This referral is answered by telephone or in the house: call the partner, then record the answer."
            raise Problem(409, "no-link", "No link for this referral", remedy) from None
        except NotWaiting as nothing:
            raise _not_waiting(nothing) from None
        expires_at = grant.expires_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return LinkView(
            url=f"/answer/{token}", referral_id=grant.referral_id, version=grant.version, expires_at=expires_at
        )


def _not_waiting(nothing: NotWaiting) -> Problem:
    if nothing.is_known:
        remedy = "A link gives a first answer, and this referral has one or has ended. Read it again."
        return Problem(409, "wrong-state", "Not possible any more", remedy)
    return not_found("referral")
