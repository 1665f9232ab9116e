"""The HTTP edge of invitations: what one is, and that they came. For the desk, and for the partner that it names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Path, Request, Response
from pydantic import BaseModel

from services.intake.forms import local_timestamp
from services.intake.invitations import giving
from services.intake.invitations.codes import PATTERN
from services.intake.invitations.invitation import InvitationNoMore, InvitationUnknown, InvitationUsedAlready
from shared.access.acting import acting_scope
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.log import AlreadyAnswered, Log, VersionConflict
from shared.log.append import Answer
from shared.web.app import problems
from shared.web.headers import IdempotencyKey, IfMatch
from shared.web.idempotency import fingerprint, key_from
from shared.web.problems import Problem, not_found
from shared.web.versions import etag, expected_version

Code = Annotated[str, Path(pattern=PATTERN, description="As on the slip, without its dashes")]


class InvitationView(BaseModel):
    """An invitation: `given`, `used` or `withdrawn`. Whose it is, and at which visit it was given, nobody is told."""

    invitation: str
    site: str
    partner: str
    status: str
    given_on: str
    used_on: str | None = None
    version: int


class Invitations:
    """The invitations of one house."""

    def __init__(self, log: Log, catalogue: Catalogue, clock: Callable[[], datetime] = utc_now) -> None:
        self._log, self._clock = log, clock
        self._zones = {site.code: site.zone for site in catalogue.sites}
        self._default_zone = catalogue.default_site.zone

    async def look(self, scope: Scope, code: str) -> InvitationView:
        """An invitation. Raises the 404 problem."""
        found = await giving.find(self._log, scope, code)
        if found is None:
            raise not_found("invitation")
        return InvitationView(
            invitation=code,
            site=found.event.site,
            partner=found.event.partner,
            status=found.state.status,
            given_on=found.given_at[:10],
            used_on=found.used_at[:10] if found.used_at else None,
            version=found.version,
        )

    async def use(self, scope: Scope, code: str, expected: int, key: str | None) -> InvitationView:
        """They came. Raises the 404, 409 or 412 problem."""
        view = await self.look(scope, code)
        now = local_timestamp(self._clock(), self._zones.get(view.site, self._default_zone))
        answer = Answer(key, fingerprint(str(expected).encode()), lambda _appended: b"{}") if key else None
        try:
            with refusals_told():
                await giving.use(self._log, scope, code, now, expected, answer)
        except AlreadyAnswered:
            pass
        except (VersionConflict, Problem):
            # Refused now, but perhaps carried out when the same request came first: then that answer stands.
            if not await self._is_answered(answer):
                raise
        return await self.look(scope, code)

    async def _is_answered(self, answer: Answer | None) -> bool:
        try:
            if answer:
                await self._log.answered_before(answer)
        except AlreadyAnswered:
            return True
        return False


@contextmanager
def refusals_told() -> Iterator[None]:
    """Whatever the rules of an invitation refuse leaves as a problem."""
    try:
        yield
    except InvitationUnknown:
        raise not_found("invitation") from None
    except InvitationUsedAlready:
        raise Problem(
            409, "wrong-state", "Used already", "They came before with this slip, which counts once.",
            facts={"stands": "used"},
        ) from None  # fmt: skip
    except InvitationNoMore:
        raise Problem(
            409, "wrong-state", "Withdrawn", "The desk took it back: it does not count. Welcome them all the same.",
            facts={"stands": "withdrawn"},
        ) from None  # fmt: skip


def add_invitation_routes(app: FastAPI, invitations: Invitations) -> None:
    """Add the routes."""

    @app.get(
        "/invitations/{code}", tags=["invitations"], summary="An invitation, by its code", responses=problems(404, 422)
    )
    async def look(response: Response, code: Code) -> InvitationView:
        view = await invitations.look(acting_scope(), code)
        response.headers["ETag"] = etag(view.version)
        return view

    @app.post(
        "/invitations/{code}/used",
        tags=["invitations"],
        summary="They came with their slip",
        responses=problems(400, 404, 409, 412, 422, 428, 507),
    )
    async def use(
        request: Request, response: Response, code: Code, if_match: IfMatch = None, _key: IdempotencyKey = None
    ) -> InvitationView:
        expected = expected_version(if_match)
        key = key_from(dict(request.headers.raw), f"invitations/{code}/used")
        view = await invitations.use(acting_scope(), code, expected, key)
        response.headers["ETag"] = etag(view.version)
        return view
