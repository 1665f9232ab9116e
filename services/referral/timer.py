"""The durable timer: does by itself what deadlines ask for, once, however many replicas run.

It remembers nothing. What is due stands in the queues' read model, which moves in the transaction of the step
itself and under the referral's version: a crash repeats a look, never a step, and of two timers one is too late.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import Connection, and_, func, not_, or_, select

from services.referral.chasing import STEPS, Due, Step, chase
from services.referral.deadlines import utc_text
from services.referral.handlers.referrals import By, Referrals
from services.referral.keeping import QUEUE_ITEMS
from services.referral.words import Status
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database, StoreUnavailable
from shared.decider import Refusal
from shared.failpoints import failpoint
from shared.log import VersionConflict
from shared.tasks import end

BATCH_MAX = 50
PAUSE_S = 0.05
"""Between two batches. Each step is one short transaction: whoever records a visit waits for one at the most."""
LOOK_EVERY_S_MAX = 30.0
RETRY_S = 2.0
STALLED_S = 180.0
"""A timer that has finished no batch for this long is not well: deadlines pass and nobody is told."""
STOP_S_MAX = 5.0
HOUSE = By("house")

_log = logging.getLogger(__name__)
_ROW = [QUEUE_ITEMS.c[name] for name in ("referral_id", "queue", "site", "chased", "version", "next_step_at")]
# Somebody who was received is never dropped: once the coordinator knows, only people go on.
_HAS_A_STEP = and_(
    QUEUE_ITEMS.c.is_open,
    QUEUE_ITEMS.c.next_step_at.is_not(None),
    QUEUE_ITEMS.c.chased < len(STEPS),
    not_(and_(QUEUE_ITEMS.c.status == Status.RECEIVED.value, QUEUE_ITEMS.c.chased >= STEPS.index("expire"))),
)


class Timer:
    """Looks at what is due, takes the steps, and sleeps until the next. `now` is the clock that it goes by."""

    def __init__(
        self,
        referrals: Referrals,
        database: Database,
        catalogue: Catalogue,
        now: Callable[[], datetime] = utc_now,
        registry: CollectorRegistry | None = None,
    ) -> None:
        self._referrals, self._database, self._catalogue, self._now = referrals, database, catalogue, now
        help_text = "Steps that the house took by itself"
        self._steps = Counter("referral_timer_steps", help_text, ("step",), registry=registry)
        for step in STEPS:
            # A counter that is not there until something happens cannot be told from one that is lost.
            self._steps.labels(step)
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._looked_at: datetime | None = None
        self._alive_at_s = time.monotonic()

    async def start(self) -> None:
        """Look at once, then whenever something falls due."""
        self._alive_at_s = time.monotonic()
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the step under way, take no other."""
        self._stopping.set()
        if self._running:
            await asyncio.wait({self._running}, timeout=STOP_S_MAX)
            await end(self._running)
            self._running = None

    def state(self) -> dict[str, Any]:
        """`{"last_look", "well"}`: for readiness. The last look is by the wall clock, its age is not."""
        looked_at = self._looked_at
        well = time.monotonic() - self._alive_at_s < STALLED_S
        return {"last_look": looked_at.isoformat(timespec="seconds") if looked_at else None, "well": well}

    async def look(self) -> dict[Step, int]:
        """Take every step that is due by now, each once; how many of each. Raises `StoreUnavailable`.

        What somebody else was faster with, or what cannot be taken, is passed over until the next look.
        """
        taken: dict[Step, int] = dict.fromkeys(STEPS, 0)
        until, behind = utc_text(self._now()), ("", "")
        while batch := await self._due(until, behind):
            behind = batch[-1].next_step_at, batch[-1].referral_id
            for due in batch:
                if self._stopping.is_set():
                    return taken
                if await self._take(due):
                    taken[due.step] += 1
            self._alive_at_s = time.monotonic()
            if len(batch) < BATCH_MAX:
                break
            await self._sleep(PAUSE_S)
        self._looked_at, self._alive_at_s = self._now(), time.monotonic()
        return taken

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.look()
                pause_s = await self.rest_s()
            except StoreUnavailable as error:
                _log.warning("the timer waits for the database: %s", error)
                pause_s = RETRY_S
            except Exception:
                # Nothing else may end it: without it nobody would hear of a deadline again.
                _log.exception("the timer could not look")
                pause_s = LOOK_EVERY_S_MAX
            await self._sleep(pause_s)

    async def _take(self, due: Due) -> bool:
        failpoint("timer.before-step")
        try:
            asked = chase(due, self._catalogue, self._now())
            await self._referrals.carry_out(due.referral_id, asked, HOUSE, due.version)
        except (VersionConflict, Refusal):
            return False
        except StoreUnavailable:
            raise
        except Exception:
            # One that cannot be read, or whose site has left the catalogue, must not keep the others waiting.
            _log.exception("the timer passes over a referral: %s", due.referral_id)
            return False
        failpoint("timer.after-step")
        self._steps.labels(due.step).inc()
        return True

    async def _due(self, until: str, behind: tuple[str, str]) -> Sequence[Due]:
        """The next of what was due at that moment, longest first, behind a place in that order."""
        when, referral_id = QUEUE_ITEMS.c.next_step_at, QUEUE_ITEMS.c.referral_id
        query = (
            select(*_ROW)
            .where(_HAS_A_STEP, when >= behind[0], when <= until)
            .where(or_(when > behind[0], referral_id > behind[1]))
            .order_by(when, referral_id)
            .limit(BATCH_MAX)
        )

        def read(connection: Connection) -> list[Due]:
            return [Due(*row) for row in connection.execute(query)]

        return await self._database.read(read)

    async def rest_s(self) -> float:
        """How long to sleep. What is due and was passed over waits for the next look: it would fail again."""
        now = self._now()
        query = select(func.min(QUEUE_ITEMS.c.next_step_at)).where(
            _HAS_A_STEP,
            QUEUE_ITEMS.c.next_step_at > utc_text(now),
            QUEUE_ITEMS.c.next_step_at <= utc_text(now + timedelta(seconds=LOOK_EVERY_S_MAX)),
        )
        found: str | None = await self._database.read(lambda connection: connection.execute(query).scalar())
        if found is None:
            return LOOK_EVERY_S_MAX
        return min(max((datetime.fromisoformat(found) - now).total_seconds(), PAUSE_S), LOOK_EVERY_S_MAX)

    async def _sleep(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), pause_s)
