"""The pages of collective actions: enter one, see those of a year, say who was there, put right. Plain forms."""

from collections import Counter
from datetime import datetime, time
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, create_model
from starlette.responses import Response

from services.intake.actions.action import (
    KINDS,
    ActionUnknown,
    Attendee,
    CorrectHeadcount,
    Held,
    RecordAttendance,
    VoidAction,
    WithdrawAttendance,
)
from services.intake.actions.forms import HEADCOUNT_MAX, PARTNERS_MAX, ActionForms
from services.intake.actions.holding import Found
from services.intake.actions.routes import Attendances, refusals_told
from services.intake.plain_forms import UUID
from shared.access.acting import acting_scope
from shared.catalogue import Catalogue, Site
from shared.ids import new_id
from shared.log import VersionConflict
from shared.web.idempotency import KEY_PATTERN
from shared.web.pages import Asked, FieldFault, FormFaults, Language, Page, PageRouter, mark
from shared.web.pages.notices import Notice
from shared.web.parameters import Day, Year
from shared.web.problems import Problem, not_found

KIND_WORDS = {
    "thematic_meeting": mark("Rencontre thématique"),
    "health_morning": mark("Matinée santé"),
    "health_breakfast": mark("Petit-déjeuner santé"),
    "workshop": mark("Atelier"),
}
ENTERED, CHANGED, VOIDED, TOO_LATE = "action_entered", "action_changed", "action_voided", "action_too_late"
REGULARS_MAX = 40
_USUALLY_AT = "09:00"
_TOPIC = mark("Ce sujet est d’une autre catégorie : changez l’un ou l’autre.")
_TO_COME = mark("Choisissez un moment passé.")
_FEWER = mark("Plus de personnes sont nommées : retirez d’abord qui n’était pas là.")
_UNKNOWN = mark("La maison ne connaît pas ce dossier : relisez le numéro.")
_NOT_NAMED = mark("Cette personne ne peut pas être nommée ici.")
_FULL = mark("Tout le monde est nommé : corrigez d’abord le nombre de personnes.")
_TWICE = mark("Rien n’est à changer : c’est déjà noté ainsi.")


class Row(NamedTuple):
    """An action in words."""

    action_id: str
    at: datetime
    kind: str
    about: str
    partners: str
    headcount: int
    named: int


class ChangeForm(BaseModel):
    """What a button of an action's page asks: somebody was there or was not, another headcount, it never was."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["attend", "withdraw", "headcount", "void"]
    known_as: Annotated[str, Field(pattern=UUID)] | None = None
    is_person: bool = False
    headcount: Annotated[int, Field(ge=0, le=HEADCOUNT_MAX)] | None = None
    version: Annotated[int, Field(ge=1, le=999_999)]
    key: Annotated[str, Field(pattern=KEY_PATTERN)]


class ActionPages:
    """What the pages stand on."""

    def __init__(self, attendances: Attendances, catalogue: Catalogue) -> None:
        self.attendances, self.actions, self.catalogue = attendances, attendances.actions, catalogue
        self._forms = ActionForms(catalogue)
        partners: Any = Literal[tuple(partner.code for partner in catalogue.partners)] if catalogue.partners else str
        several: Any = (list[partners], Field(default=[], max_length=PARTNERS_MAX))
        fields: dict[str, Any] = {
            "site": (Literal[tuple(site.code for site in catalogue.sites)], catalogue.default_site.code),
            "kind": (Literal[KINDS], ...),
            "day": (Day, ...),
            "at": (time, time(9)),
            "category": (Literal[tuple(category.code for category in catalogue.categories)], ...),
            "topic": (str | None, Field(default=None, max_length=200)),
            "leaders": several,
            "speakers": several,
            "headcount": (int, Field(ge=0, le=HEADCOUNT_MAX)),
            "key": (str, Field(pattern=KEY_PATTERN)),
        }
        self.form: type[BaseModel] = create_model("EnterActionForm", __config__=ConfigDict(extra="forbid"), **fields)

    async def enter(self, form: Any) -> str:
        """Enter an action; its id. Raises `FormFaults`, with nothing typed."""
        if form.topic and form.topic not in self.catalogue.topics_by_code:
            raise FormFaults([FieldFault("topic", _TOPIC)])
        at = datetime.combine(form.day, form.at, self.catalogue.site(form.site).zone)
        body = {name: getattr(form, name) for name in ("site", "kind", "category", "topic", "headcount")}
        asked = self._forms.action(
            **body,
            held_at=at.isoformat(),
            leaders=tuple(dict.fromkeys(form.leaders)),
            speakers=tuple(dict.fromkeys(form.speakers)),
        )
        try:
            held = self._forms.held(asked, new_id(), self.actions.clock())
        except Problem as problem:
            fields = {error["field"] for error in problem.errors}
            faults = [FieldFault("day", _TO_COME)] if "held_at" in fields else []
            raise FormFaults(faults + ([FieldFault("topic", _TOPIC)] if "topic" in fields else [])) from None
        text = asked.model_dump_json().encode()
        with refusals_told():
            action_id, _was_there = await self.actions.hold(held, text, {b"idempotency-key": form.key.encode()})
        return action_id

    async def change(self, action_id: str, form: ChangeForm) -> None:
        """Do what a button asks. Raises `FormFaults`, or `VersionConflict`."""
        headers = {b"idempotency-key": form.key.encode()}
        command: RecordAttendance | WithdrawAttendance | CorrectHeadcount | VoidAction
        if form.action in ("attend", "withdraw"):
            if form.known_as is None:
                raise FormFaults([FieldFault("known_as", _UNKNOWN)])
            attendee = Attendee(form.known_as, form.is_person)
            command = RecordAttendance(attendee) if form.action == "attend" else WithdrawAttendance(attendee)
        elif form.action == "headcount":
            command = CorrectHeadcount(form.headcount or 0)
        else:
            command = VoidAction()
        # Two who name different people at once do not get in each other's way.
        expected = None if isinstance(command, RecordAttendance | WithdrawAttendance) else form.version
        try:
            with refusals_told():
                if isinstance(command, RecordAttendance):
                    await self.attendances.check(command.attendee, await self.actions.look(acting_scope(), action_id))
                await self.actions.change(action_id, command, expected, headers)
        except Problem as problem:
            if problem.status == 404 and form.action != "attend":
                raise
            raise FormFaults([_fault(form, problem)]) from None

    async def regulars(self, found: Found) -> list[tuple[Attendee, int]]:
        """Whom the actions of this kind named in that year, the most frequent first, and not this one yet."""
        held = found.standing.held
        named = found.standing.named
        came: Counter[Attendee] = Counter()
        for one in await self.actions.of_year(acting_scope(), held.site, int(held.held_at[:4])):
            if one.standing.held.kind == held.kind:
                came.update(one.standing.named)
        others = [(one, times) for one, times in came.items() if one not in named]
        return sorted(others, key=lambda one: (-one[1], one[0].known_as))[:REGULARS_MAX]

    def row(self, found: Found, language: Language) -> Row:
        """An action in words."""
        held, catalogue = found.standing.held, self.catalogue
        category = catalogue.categories_by_code.get(held.category)
        about = language.pick(category.label_fr, category.label_en) if category else held.category
        topic = catalogue.topics_by_code.get(held.topic or "")
        if topic:
            about += f", {language.pick(topic.label_fr, topic.label_en)}"
        partners = dict.fromkeys((*held.leaders, *held.speakers))
        known = catalogue.partners_by_code
        names = ", ".join(known[code].name if code in known else code for code in partners)
        at = datetime.fromisoformat(held.held_at)
        named = len(found.standing.named) if isinstance(found.state, Held) else 0
        kind = language.gettext(KIND_WORDS[held.kind])
        return Row(held.action_id, at, kind, about, names, held.headcount, named)


def action_router(pages: ActionPages) -> APIRouter:
    """`/desk/actions` and `/desk/actions/{action_id}`."""
    router = PageRouter()

    @router.get("/desk/actions")
    async def show(page: Asked, site: str = "", year: Year | None = None) -> Response:
        return await _list(pages, page, _known(pages, site), year)

    @router.post("/desk/actions")
    async def enter(page: Asked) -> Response:
        typed: dict[str, Any] = {}
        try:
            form: Any = await page.form(pages.form)
            typed = form.model_dump(mode="json", exclude_none=True)
            action_id = await pages.enter(form)
        except FormFaults as faults:
            shown = FormFaults(faults.faults, faults.typed or typed)
            return await _list(pages, page, pages.catalogue.default_site, None, shown)
        return page.redirect(f"/desk/actions/{action_id}", Notice(ENTERED))

    @router.get("/desk/actions/{action_id}")
    async def look(page: Asked, action_id: str) -> Response:
        return await _one(pages, page, action_id)

    @router.post("/desk/actions/{action_id}")
    async def change(page: Asked, action_id: str) -> Response:
        back = f"/desk/actions/{action_id}"
        try:
            form = await page.form(ChangeForm)
            await pages.change(action_id, form)
        except FormFaults as faults:
            return await _one(pages, page, action_id, faults)
        except VersionConflict:
            return page.redirect(back, Notice(TOO_LATE))
        return page.redirect(*(("/desk/actions", Notice(VOIDED)) if form.action == "void" else (back, Notice(CHANGED))))

    return router


async def _list(
    pages: ActionPages, page: Page, site: Site, year: int | None, faults: FormFaults | None = None
) -> Response:
    now = datetime.fromisoformat(pages.actions.now(site.code))
    chosen = now.year if year is None else year
    pick = page.language.pick
    catalogue = pages.catalogue
    return page.render(
        "actions.html",
        422 if faults else 200,
        faults=faults,
        typed=faults.typed if faults else {},
        key=new_id(),
        site=site,
        sites=catalogue.sites,
        year=chosen,
        today=now.date().isoformat(),
        usually_at=min(f"{now:%H:%M}", _USUALLY_AT),
        kinds=KIND_WORDS,
        categories=[(one.code, pick(one.label_fr, one.label_en)) for one in catalogue.categories],
        topics=_topics(catalogue, page.language),
        partners=[(one.code, one.name) for one in catalogue.partners],
        headcount_max=HEADCOUNT_MAX,
        rows=[pages.row(one, page.language) for one in await pages.actions.of_year(acting_scope(), site.code, chosen)],
    )


async def _one(pages: ActionPages, page: Page, action_id: str, faults: FormFaults | None = None) -> Response:
    try:
        found = await pages.actions.look(acting_scope(), action_id)
    except ActionUnknown:
        raise not_found("action") from None
    standing = isinstance(found.state, Held)
    return page.render(
        "action.html",
        422 if faults else 200,
        faults=faults,
        row=pages.row(found, page.language),
        is_voided=not standing,
        names_nobody=pages.attendances.names_nobody(found.standing.held),
        named=found.standing.named if standing else (),
        regulars=await pages.regulars(found) if standing else [],
        version=found.version,
        typed=faults.typed if faults else {},
        headcount_max=HEADCOUNT_MAX,
        new_key=new_id,
    )


def _fault(form: ChangeForm, problem: Problem) -> FieldFault:
    """What a refused button is told as."""
    if form.action == "headcount":
        return FieldFault("headcount", _FEWER if problem.slug == "fewer-than-named" else _TWICE)
    if form.action == "attend":
        full_or_twice = {"fewer-than-named": _FULL, "there-already": _TWICE}
        unknown = _UNKNOWN if problem.status in (404, 422) else _NOT_NAMED
        return FieldFault("known_as", full_or_twice.get(problem.slug, unknown))
    return FieldFault("void", _TWICE)


def _topics(catalogue: Catalogue, language: Language) -> list[tuple[str, list[tuple[str, str]]]]:
    """The topics by category, both in words."""
    found = []
    for category in catalogue.categories:
        of_it = [one for one in catalogue.topics if one.category == category.code]
        if of_it:
            named = [(one.code, language.pick(one.label_fr, one.label_en)) for one in of_it]
            found.append((language.pick(category.label_fr, category.label_en), named))
    return found


def _known(pages: ActionPages, site: str) -> Site:
    """Raises the 404 problem for a site that there is not."""
    if site and site not in pages.catalogue.sites_by_code:
        raise not_found("site")
    return pages.catalogue.sites_by_code[site] if site else pages.catalogue.default_site
