"""The coordinator's page: all queues at a glance, and what is stuck, to be handed on or taken back."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.referral import coordinating
from services.referral.answers import Answers
from services.referral.commands import Asked as Move
from services.referral.commands import HandToPartner, WithdrawReferral
from services.referral.coordinating import CONFIDENTIAL, Coordination, QueueStanding, Stuck
from services.referral.pages.saying import REASONS, STATUSES, WITHDRAWN_FOR
from services.referral.words import ChangeReason, Status
from shared.access.acting import acting_scope
from shared.catalogue import Catalogue
from shared.clock import utc_now
from shared.database import Database
from shared.events.referral import COORDINATOR
from shared.ids import new_id
from shared.web.idempotency import KEY_PATTERN
from shared.web.pages import Asked, FieldFault, FormFaults, Language, Notice, Page, PageRouter, mark, moment
from shared.web.problems import Problem

PAGE = "/coordination/page"

_CONFIDENTIAL = mark("Confidentiel")
_NOT_THIS_ONE = mark("Ce partenaire ne peut pas recevoir cette demande : choisissez-en un autre.")
_HOURS_OF_A_DAY = 24


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1)]
    key: Annotated[str, Field(pattern=KEY_PATTERN)]


class HandOn(_Form):
    """To whom."""

    partner: Annotated[str, Field(max_length=16)]


class TakeBack(_Form):
    """Why."""

    reason: ChangeReason


class Line(NamedTuple):
    """A queue in words."""

    name: str
    standing: QueueStanding
    oldest: str


class Item(NamedTuple):
    """What is stuck, in words: its subject, where it lies, since when, and to whom it may be handed."""

    stuck: Stuck
    subject: str
    partner: str
    status: str
    since: str
    partners: tuple[tuple[str, str], ...]
    may_be_handed: bool
    may_be_withdrawn: bool


class Coordinator:
    """What the page stands on."""

    def __init__(self, catalogue: Catalogue, database: Database, answers: Answers) -> None:
        self._catalogue, self._database, self._answers = catalogue, database, answers

    async def move(self, referral_id: str, verb: str, asked: Move, form: _Form) -> None:
        """Carry a move out as its own route does. Raises the problem of a refusal."""
        headers = {b"idempotency-key": form.key.encode()}
        scope = acting_scope()
        view = await self._answers.known(scope, referral_id)
        await self._answers.carry_out(scope, view, verb, asked, f'"{form.version}"', headers)

    async def show(self, page: Page, faults: FormFaults | None = None) -> Response:
        """The page as it is now."""
        now, scope = utc_now(), acting_scope()
        at_a_glance = await coordinating.coordination(self._database, scope, self._catalogue, now)
        escalated = await coordinating.escalated(self._database, scope, self._catalogue)
        unmet = await coordinating.unmet_needs(self._database, scope, self._catalogue)
        say = _Saying(self._catalogue, page.language, now)
        lines = sorted((say.line(one) for one in at_a_glance.queues), key=_most_urgent)
        return page.render(
            "coordination.html",
            422 if faults else 200,
            faults=faults,
            lines=[line for line in lines if line.standing.open],
            idle=[line.name for line in lines if not line.standing.open],
            totals=_totals(at_a_glance),
            needs=[(say.month(one.month), say.subject(one.category, one.topic), one.open) for one in at_a_glance.unmet],
            escalated=[say.item(one) for one in escalated],
            unmet=[say.item(one) for one in unmet],
            listed_max=coordinating.LISTED_MAX,
            reasons=[(reason.value, REASONS[reason.value]) for reason in WITHDRAWN_FOR],
            partner=self._handed_to(page),
            key=new_id,
        )

    def _handed_to(self, page: Page) -> str:
        """The partner that the notice speaks of."""
        about = page.notice.about if page.notice else ()
        known = self._catalogue.partners_by_code.get(about[0]) if about else None
        return known.name if known else ""


def coordination_pages(catalogue: Catalogue, database: Database, answers: Answers) -> APIRouter:
    """The routes of the page."""
    router, coordinator = PageRouter(), Coordinator(catalogue, database, answers)

    @router.get(PAGE)
    async def show(page: Asked) -> Response:
        return await coordinator.show(page)

    @router.post("/coordination/{referral_id}/reroute")
    async def hand_on(page: Asked, referral_id: str) -> Response:
        try:
            form = await page.form(HandOn)
            _must_be(form.partner in catalogue.partners_by_code)
            await coordinator.move(referral_id, "reroute", HandToPartner(form.partner), form)
        except FormFaults as faults:
            return await coordinator.show(page, faults)
        except Problem as problem:
            if problem.slug != "invalid-fields":
                raise
            return await coordinator.show(page, FormFaults([FieldFault("partner", _NOT_THIS_ONE)]))
        return page.redirect(PAGE, Notice("handed_on", (form.partner,)))

    @router.post("/coordination/{referral_id}/withdraw")
    async def take_back(page: Asked, referral_id: str) -> Response:
        try:
            form = await page.form(TakeBack)
        except FormFaults as faults:
            return await coordinator.show(page, faults)
        await coordinator.move(referral_id, "withdraw", WithdrawReferral(form.reason.value), form)
        return page.redirect(PAGE, Notice("taken_back"))

    return router


def _must_be(known: bool) -> None:
    if not known:
        raise FormFaults([FieldFault("partner", _NOT_THIS_ONE)])


class _Saying:
    """Puts queues and referrals into words, in one language, at one moment (aware)."""

    def __init__(self, catalogue: Catalogue, language: Language, now: datetime) -> None:
        self._catalogue, self._language, self._now = catalogue, language, now

    def line(self, standing: QueueStanding) -> Line:
        """A queue. One of a partner that the catalogue does not name any more bears its code."""
        return Line(self.partner(standing.queue), standing, self._age(standing.oldest_age_h))

    def item(self, stuck: Stuck) -> Item:
        """A referral or a need."""
        zone = self._catalogue.site(stuck.site).zone
        since = datetime.fromisoformat(stuck.since).astimezone(zone)
        return Item(
            stuck=stuck,
            subject=self.subject(stuck.category, stuck.topic),
            # Who answers confidential requests says what they are about.
            partner="" if stuck.queue == COORDINATOR or stuck.category == CONFIDENTIAL else self.partner(stuck.queue),
            status=self._language.gettext(STATUSES[stuck.status]),
            since=moment(self._language, since, self._now.astimezone(zone)),
            partners=tuple((code, name) for code, name in self._partners(stuck) if code != stuck.queue),
            may_be_handed=stuck.status != Status.RECEIVED,
            may_be_withdrawn=stuck.status != Status.UNMET,
        )

    def partner(self, code: str) -> str:
        """Its name."""
        known = self._catalogue.partners_by_code.get(code)
        return known.name if known else code

    def subject(self, category: str, topic: str | None) -> str:
        """Category and topic; neither where they are confidential."""
        if category == CONFIDENTIAL:
            return self._language.gettext(_CONFIDENTIAL)
        known, finer = self._catalogue.categories_by_code.get(category), self._catalogue.topics_by_code.get(topic or "")
        said = self._language.pick(known.label_fr, known.label_en) if known else category
        return f"{said} – {self._language.pick(finer.label_fr, finer.label_en)}" if finer else said

    def month(self, month: str) -> str:
        """`03/2008`."""
        return f"{month[5:]}/{month[:4]}"

    def _age(self, hours: int | None) -> str:
        if hours is None:
            return ""
        if hours < _HOURS_OF_A_DAY:
            return self._language.ngettext("%(num)s heure", "%(num)s heures", hours)
        return self._language.ngettext("%(num)s jour", "%(num)s jours", hours // _HOURS_OF_A_DAY)

    def _partners(self, stuck: Stuck) -> list[tuple[str, str]]:
        """Who may be offered. Of a confidential request all are: a choice of a few would say what it is about."""
        day = self._now.astimezone(self._catalogue.site(stuck.site).zone).date()
        return [
            (partner.code, partner.name)
            for partner in self._catalogue.partners
            if partner.active_on(day)
            and (stuck.category == CONFIDENTIAL or self._catalogue.answers(partner, stuck.category, stuck.topic))
        ]


def _most_urgent(line: Line) -> tuple[Any, ...]:
    standing = line.standing
    return -standing.escalated, -standing.late_first_answers - standing.late_outcomes, -standing.open, line.name


def _totals(found: Coordination) -> dict[str, int]:
    names = ("open", "late_first_answers", "late_outcomes", "escalated")
    totals = {name: sum(getattr(one, name) for one in found.queues) for name in names}
    return {**totals, "unmet": sum(one.open for one in found.unmet), "dead_letters": found.dead_letters}
