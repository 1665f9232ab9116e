"""What is asked of a referral over HTTP, carried out once: the version it was decided on, and the key, are kept to."""

from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from services.referral import queries
from services.referral.commands import Asked
from services.referral.decider import NothingToUndo, WrongState, referral_stream
from services.referral.handlers.consequences import NotThisPartner
from services.referral.handlers.referrals import By, Referrals, RequestGone
from services.referral.permanences.places import NoPlaceLeft, NotThisPermanence, PlaceGone
from services.referral.queries import ReferralView
from shared.access.acting import actor
from shared.access.scope import Scope
from shared.database import Database
from shared.decider import Refusal
from shared.log import AlreadyAnswered, Appended, Log, VersionConflict
from shared.log.append import Answer
from shared.web.idempotency import InFlight, fingerprint, key_from
from shared.web.problems import FieldError, Problem, not_found
from shared.web.versions import etag, expected_version


class Changed(NamedTuple):
    """The last change of a referral: by whom (a code: a partner, an account, the house), and when, if there was any."""

    by: str
    at: str | None


class Answers:
    """Carries out the moves of referrals, and says in a problem why not."""

    def __init__(self, log: Log, database: Database, referrals: Referrals) -> None:
        self._log, self._database, self._referrals = log, database, referrals
        self._in_flight = InFlight()

    async def known(self, scope: Scope, referral_id: str) -> ReferralView:
        """The referral that is to be moved. Raises the 404 problem, for what is another's as for what is not there."""
        view = await queries.referral(self._database, scope, referral_id)
        if view is None:
            raise not_found("referral")
        return view

    async def carry_out(
        self,
        scope: Scope,
        view: ReferralView,
        verb: str,
        asked: Asked,
        if_match: str | None,
        headers: Mapping[bytes, bytes],
    ) -> ReferralView:
        """The referral after the move. Of two who act on one version, one wins; the other is told what it is now.

        `view`: as `known` found it in this scope.
        """
        referral_id = view.referral_id
        key = key_from(headers, f"referrals/{referral_id}/{verb}")
        expected = expected_version(if_match)
        answer = Answer(key, fingerprint(repr(asked).encode()), _nothing) if key else None
        with self._in_flight.hold(key):
            try:
                await self._referrals.carry_out(referral_id, asked, By(actor() or view.queue, answer), expected)
            except AlreadyAnswered:
                pass
            except (VersionConflict, Refusal) as refusal:
                if not await self._was_carried_out(answer):
                    view = await self.known(scope, referral_id)
                    _refuse(refusal, view, await self._last_change(view))
        return await self.known(scope, referral_id)

    async def _last_change(self, view: ReferralView) -> Changed:
        # From the log: the house's own people change it as well, and a reminder moves its version and nothing else.
        changes = await self._log.read(referral_stream(view.referral_id), after=1)
        if not changes:
            return Changed(view.queue, None)
        last = changes[-1]
        # What followed from another referral's move carries whoever made that: another partner, of whom nobody learns.
        by = "house" if last.causation_id else last.actor or view.queue
        return Changed(by, last.occurred_at)

    async def _was_carried_out(self, answer: Answer | None) -> bool:
        """The same request came before, and its answer was lost: what it asked for has happened."""
        if answer is None:
            return False
        try:
            await self._log.answered_before(answer)
        except AlreadyAnswered:
            return True
        return False


def _refuse(refusal: Exception, view: ReferralView, changed: Changed) -> NoReturn:
    facts = {
        "referral_status": view.status,
        "version": view.version,
        "changed_by": changed.by,
        "changed_at": changed.at,
    }
    headers = {"ETag": etag(view.version)}

    def problem(status: int, kind: str, title: str, detail: str, fields: tuple[FieldError, ...] = ()) -> Problem:
        return Problem(status, kind, title, detail, fields, headers, facts)

    match refusal:
        case VersionConflict():
            what_now = f"{changed.by} has moved it on: it is {view.status} at version {view.version}. Read it again."
            remedy: FieldError = {"field": "If-Match", "detail": f"Send {etag(view.version)} if you still want to."}
            raise problem(412, "stale-version", "Somebody else was faster", what_now, (remedy,)) from refusal
        case WrongState(allowed_from=allowed_from):
            allowed = ", ".join(sorted(allowed_from))
            detail = f"It is {view.status}. Only from one of these can this be done: {allowed}."
            raise problem(409, "wrong-state", "Not possible any more", detail) from refusal
        case NothingToUndo():
            detail = "Its last move was undone already, or it has not moved. Reopen it if it has ended."
            raise problem(409, "nothing-to-undo", "Nothing to undo", detail) from refusal
        case RequestGone():
            detail = "The desk has corrected or voided the visit: it is no request any more. Record another one."
            raise problem(409, "request-gone", "No request any more", detail) from refusal
        case NoPlaceLeft(places=places):
            detail = f"All {places} places are taken. Choose another permanence."
            fields: tuple[FieldError, ...] = ({"field": "permanence_id", "detail": detail},)
            raise problem(409, "no-place-left", "No place left", detail, fields) from refusal
        case PlaceGone():
            detail = (
                "The place that it had is somebody else's by now, or its permanence was called off. Book another one."
            )
            raise problem(409, "no-place-left", "The place is gone", detail) from refusal
        case NotThisPartner(why=why):
            detail = f"{why} Choose another of GET /partners."
            raise problem(
                422, "invalid-fields", "Fields are not valid", detail, ({"field": "partner", "detail": detail},)
            ) from refusal
        case NotThisPermanence(why=why):
            detail = f"{why} Choose one of GET /permanences."
            raise problem(
                422, "invalid-fields", "Fields are not valid", detail, ({"field": "permanence_id", "detail": detail},)
            ) from refusal
    raise refusal


def _nothing(_appended: Appended) -> bytes:
    return b"{}"
