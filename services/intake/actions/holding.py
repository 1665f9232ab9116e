"""The use cases of collective actions: hold one, say who was there, put right, look."""

from collections.abc import Callable, Mapping
from datetime import datetime

from services.intake.actions.action import (
    ACTION,
    Action,
    ActionRefusal,
    ActionUnknown,
    Command,
    CorrectHeadcount,
    Held,
    HoldAction,
    NoAction,
    RecordAttendance,
    VoidAction,
    Voided,
    WithdrawAttendance,
    action_stream,
    actions_tag,
)
from services.intake.forms import local_timestamp
from shared.access.acting import acting_scope, actor, held_to_site
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.envelope import decode
from shared.events.intake import CollectiveActionHeld
from shared.execute import Context, execute, state_of
from shared.log import AlreadyAnswered, Appended, Log, VersionConflict, partition_of
from shared.log.append import Answer
from shared.web.idempotency import InFlight, fingerprint, key_from

Headers = Mapping[bytes, bytes]
YEAR_ACTIONS_MAX = 1_000
"""Of one site in one year: several a day."""


class Found:
    """An action as it stands, with the version of its stream and the code of who entered it."""

    def __init__(self, state: Held | Voided, version: int, entered_by: str | None) -> None:
        self.state, self.version, self.entered_by = state, version, entered_by

    @property
    def standing(self) -> Held:
        """What there is to tell of it, voided or not."""
        return self.state if isinstance(self.state, Held) else self.state.before


class Actions:
    """The collective actions of one house."""

    def __init__(self, log: Log, catalogue: Catalogue, clock: Callable[[], datetime] = utc_now) -> None:
        self._log, self.clock = log, clock
        self._zones = {site.code: site.zone for site in catalogue.sites}
        self._default_zone = catalogue.default_site.zone
        self._in_flight = InFlight()

    async def look(self, scope: Scope, action_id: str) -> Found:
        """An action. Raises `ActionUnknown`."""
        history = await self._log.read(action_stream(action_id)) if scope.reads_files else []
        state: Action = state_of(ACTION, history)
        if isinstance(state, NoAction):
            raise ActionUnknown
        return Found(state, len(history), history[0].actor)

    async def of_year(self, scope: Scope, site: str, year: int) -> list[Found]:
        """The actions of a site in a year that stand, the newest first."""
        tag = actions_tag(site, year)
        entries = await self._log.read_tagged(tag, limit=YEAR_ACTIONS_MAX) if scope.reads_files else []
        events = [decode(entry.body).event for entry in entries]
        found = [await self.look(scope, event.action_id) for event in events if isinstance(event, CollectiveActionHeld)]
        standing = [one for one in found if isinstance(one.state, Held)]
        return sorted(standing, key=lambda one: (one.standing.held.held_at, one.standing.held.action_id), reverse=True)

    def now(self, site: str) -> str:
        """This moment, with the site's offset."""
        return local_timestamp(self.clock(), self._zones.get(site, self._default_zone))

    async def hold(self, held: CollectiveActionHeld, asked: bytes, headers: Headers) -> tuple[str, bool]:
        """Enter an action; its id, and whether it was entered before under the same key."""
        held_to_site(held.site)
        answer = _answer(headers, "actions", asked, held.action_id)
        with self._in_flight.hold(answer.key if answer else None):
            try:
                if answer:
                    await self._log.answered_before(answer)
                tag = actions_tag(held.site, int(held.held_at[:4]))
                await self._append(held.action_id, HoldAction(held), held.held_at, tag, answer, None)
            except AlreadyAnswered as before:
                return before.body.decode(), True
        return held.action_id, False

    async def change(
        self,
        action_id: str,
        command: RecordAttendance | WithdrawAttendance | CorrectHeadcount | VoidAction,
        expected: int | None,
        headers: Headers,
    ) -> bool:
        """Change an action; whether that was done before under the same key.

        `expected` = the version decided on; None where whatever it is by now will do. Raises a refusal, or
        `VersionConflict`.
        """
        answer = _answer(headers, f"actions/{action_id}/{type(command).__name__}", repr(command).encode(), "")
        found = await self.look(acting_scope(), action_id)
        held_to_site(found.standing.held.site)
        at, tag = self.now(found.standing.held.site), None
        if isinstance(command, RecordAttendance | WithdrawAttendance):
            # They were there when it was held, whenever that is written down.
            at, tag = found.standing.held.held_at, command.attendee.known_as
        with self._in_flight.hold(answer.key if answer else None):
            try:
                if answer:
                    await self._log.answered_before(answer)
                await self._append(action_id, command, at, tag, answer, expected)
            except AlreadyAnswered:
                return True
            except (VersionConflict, ActionRefusal):
                # The same request on another replica may have been the faster one.
                if not await self._is_answered(answer):
                    raise
                return True
        return False

    async def _append(
        self, action_id: str, command: Command, at: str, tag: str | None, answer: Answer | None, expected: int | None
    ) -> Appended:
        stream = action_stream(action_id)
        context = Context(at, partition_of(stream, self._log.partitions), tag=tag, actor=actor(), answer=answer)
        return await execute(self._log, ACTION, stream, command, context, expected)

    async def _is_answered(self, answer: Answer | None) -> bool:
        try:
            if answer:
                await self._log.answered_before(answer)
        except AlreadyAnswered:
            return True
        return False


def _answer(headers: Headers, scope: str, asked: bytes, kept: str) -> Answer | None:
    key = key_from(headers, scope)
    return Answer(key, fingerprint(asked), lambda _appended: kept.encode()) if key else None
