"""A partner's desk: its queue, live, and everything that can be answered from it."""

import re
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Header, Query
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from services.referral.coordinating import CONFIDENTIAL, told_of
from services.referral.deadlines import utc_text
from services.referral.desk import ENDED, OPEN, Filter, desk_page, open_count
from services.referral.live import RETRY_MS, Happened, LiveQueue
from services.referral.pages.rows import Rows
from services.referral.pages.saying import DONE, STATUSES
from services.referral.words import Status
from shared.access.acting import acting, acting_scope
from shared.access.scope import Scope
from shared.catalogue import Catalogue, Partner
from shared.clock import utc_now
from shared.database import Database
from shared.ids import new_id
from shared.web.cursors import BEGINNING, CURSOR_MAX
from shared.web.pages import Asked, Page, PageRouter
from shared.web.problems import not_found

_FILTERED = (OPEN, *(status.value for status in Status if status is not Status.UNMET), ENDED)
_PING_S = 15
_Cursor = Annotated[str, Query(max_length=CURSOR_MAX)]
_CODE = re.compile(r"[a-z_]{1,40}")


class Queue:
    """The pages of queues: what they have in common."""

    def __init__(self, catalogue: Catalogue, database: Database, live: LiveQueue) -> None:
        self.catalogue, self.database, self.live = catalogue, database, live

    def partner(self, code: str) -> Partner:
        """Raises the 404 problem for a code that nobody has."""
        known = self.catalogue.partners_by_code.get(code)
        if known is None:
            raise not_found("queue")
        return known

    def rows(self, page: Page, scope: Scope) -> Rows:
        """Words for now, for this reader."""
        return Rows(self.catalogue, page.language, utc_now(), scope)

    async def show(self, page: Page, code: str, wanted: Filter, after: str) -> Response:
        """The page of a queue."""
        partner = self.partner(code)
        start = self.live.place(code, after)
        # Read before the rows: what happens in between comes by the stream, perhaps again, and is recognised.
        head = await self.live.head(code)
        scope = acting_scope()
        found = await desk_page(self.database, scope, self.catalogue, code, wanted, start, utc_now())
        rows = self.rows(page, scope)
        return page.render(
            "desk.html",
            partner=partner,
            rows=[rows.row(view) for view in found.items],
            open=open_words(page, found.open),
            wanted=wanted,
            back=back_of(wanted, after),
            next=f"/desks/{code}?{back_of(wanted, self.live.cursor(code, found.next))}" if found.next else "",
            is_first=start == 0,
            stream=f"/desks/{code}/stream?{back_of(wanted)}",
            head=self.live.cursor(code, head),
            statuses=STATUSES,
            filtered=_FILTERED,
            categories=self._categories(page, partner),
            done=DONE,
            key=new_id,
        )

    def _categories(self, page: Page, partner: Partner) -> list[tuple[str, str]]:
        known = [self.catalogue.category(code) for code in partner.categories]
        named = [(each.code, page.language.pick(each.label_fr, each.label_en)) for each in known]
        return [*named, (CONFIDENTIAL, page.language.gettext("Demande confidentielle"))]

    async def told(
        self, page: Page, scope: Scope, code: str, wanted: Filter, after: int
    ) -> AsyncIterator[ServerSentEvent]:
        """The queue as it happens, as rows of the page."""
        yield ServerSentEvent(comment="the queue", retry=RETRY_MS)
        async for happened in self.live.follow(scope, code, after):
            data = await self._told(page, scope, code, wanted, happened)
            yield ServerSentEvent(data, event="row", id=self.live.cursor(code, happened.position))

    async def _told(self, page: Page, scope: Scope, code: str, wanted: Filter, happened: Happened) -> str:
        view, now = happened.view, utc_now()
        if view is None:
            return "{}"
        category, _ = told_of(self.catalogue, view.category, view.topic)
        row, is_new = self.rows(page, scope).row(view), happened.name == "issued"
        text = page.text("desk_row.html", row=row, back=back_of(wanted), key=new_id)
        told = {
            "id": view.referral_id,
            "version": view.version,
            "shown": wanted.holds(view, category, utc_text(now)),
            "html": text,
            "open": open_words(page, await open_count(self.database, scope, code)),
            "said": page.language.gettext("Nouvelle demande : %(about)s", about=row.about) if is_new else "",
        }
        return msgspec.json.encode(told).decode()


def filter_of(status: str, category: str, late: bool) -> Filter:
    """A filter as it was asked for; what is no status, and no code, filters nothing."""
    return Filter(status if status in _FILTERED else OPEN, category if _CODE.fullmatch(category) else "", late)


def back_of(wanted: Filter, after: str = "") -> str:
    """The way back to the same page, as the query of its address. `after`: the cursor that the page goes on from."""
    asked = {"status": wanted.status, "category": wanted.category, "late": "1" if wanted.late else "", "after": after}
    return urlencode({name: value for name, value in asked.items() if value and value != OPEN})


def open_words(page: Page, count: int) -> str:
    """How many referrals are open."""
    return page.language.ngettext("%(num)s demande ouverte", "%(num)s demandes ouvertes", count)


def desk_pages(queue: Queue) -> APIRouter:
    """The list of desks, a partner's queue, and its stream."""
    router = PageRouter()

    @router.get("/desks")
    async def desks(page: Asked) -> Response:
        return page.render("desks.html", partners=queue.catalogue.partners)

    @router.get("/desks/{partner}")
    async def desk(
        page: Asked,
        partner: str,
        status: str = OPEN,
        category: str = "",
        late: str = "",
        after: _Cursor = BEGINNING,
    ) -> Response:
        return await queue.show(page, partner, filter_of(status, category, bool(late)), after)

    @router.get("/desks/{partner}/stream")
    async def stream(
        page: Asked,
        partner: str,
        status: str = OPEN,
        category: str = "",
        late: str = "",
        after: _Cursor = BEGINNING,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=CURSOR_MAX)] = None,
    ) -> Response:
        code, wanted = queue.partner(partner).code, filter_of(status, category, bool(late))
        start = queue.live.place(code, after, last_event_id)
        # Taken now: what is streamed later is no longer within the request.
        return EventSourceResponse(queue.told(page, acting_scope(), code, wanted, start), ping=_PING_S)

    return router


def speaks_for_the_house() -> bool:
    """Whether who acts may take a request back, walk somebody to a door, call a permanence off: a partner may not."""
    who = acting()
    return who is None or who.partner is None
