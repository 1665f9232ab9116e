"""A referral in words, as a list and its own page show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.referral.commands import (
    AcceptReferral,
    BookAppointment,
    CompleteReferral,
    DeclineReferral,
    MissPerson,
    ReceivePerson,
    ReopenReferral,
    WalkPerson,
    WithdrawReferral,
)
from services.referral.coordinating import CONFIDENTIAL, told_of
from services.referral.decider import FROM
from services.referral.pages.saying import OUTCOMES, REASONS, STATUSES
from services.referral.queries import ReferralView, told_to
from services.referral.words import Status
from shared.access.scope import Scope
from shared.catalogue import Catalogue
from shared.web.pages import Language, deadline, moment
from shared.web.pages.words import Deadline

MOVES: Mapping[str, type] = {
    "accept": AcceptReferral,
    "walk": WalkPerson,
    "receive": ReceivePerson,
    "miss": MissPerson,
    "book": BookAppointment,
    "complete": CompleteReferral,
    "decline": DeclineReferral,
    "withdraw": WithdrawReferral,
    "reopen": ReopenReferral,
}
"""What a desk can ask for, in the order in which it is offered."""


@dataclass(frozen=True)
class Row:
    """What is shown of a referral. `moves`: what can be done with it now.

    `about` is neutral where the topic is sensitive; `subject` is not, and is for the partner's own page only. `case` is
    empty for who may not know whose it is.
    """

    view: ReferralView
    about: str
    subject: str
    is_confidential: bool
    status: str
    since: str
    due: Deadline | None
    appointment: str
    why: str
    case: str
    moves: tuple[str, ...]


class Rows:
    """Puts referrals into words, in one language, at one moment."""

    def __init__(self, catalogue: Catalogue, language: Language, now: datetime, scope: Scope) -> None:
        self._catalogue, self._language, self._scope = catalogue, language, scope
        self._site = catalogue.default_site
        self._now = now.astimezone(self._site.zone)

    def row(self, view: ReferralView) -> Row:
        """One referral."""
        subject, about = self._subject(view), self.about(view)
        return Row(
            view=view,
            about=about,
            subject=subject,
            is_confidential=about != subject,
            status=self._language.gettext(STATUSES[view.status]),
            since=self._moment(view.queued_at or view.issued_at),
            due=self._due(view),
            appointment=self._appointment(view),
            why=self._why(view),
            case=self._case(view),
            moves=tuple(verb for verb, command in MOVES.items() if view.status in FROM[command]),
        )

    def about(self, view: ReferralView) -> str:
        """What it is about, as far as a shared screen may say so."""
        category, _ = told_of(self._catalogue, view.category, view.topic)
        return self._language.gettext("Demande confidentielle") if category == CONFIDENTIAL else self._subject(view)

    def conflict(self, changed_at: str | None, partner: str) -> str:
        """Who was faster, and when."""
        if changed_at is None:
            return self._language.gettext("Cette demande a changé pendant que vous répondiez.")
        known = self._catalogue.partners_by_code.get(partner)
        return self._language.gettext(
            "Quelqu’un d’autre a été plus rapide : %(who)s, %(when)s.",
            who=known.name if known else self._language.gettext("un collègue"),
            when=self._moment(changed_at),
        )

    def _case(self, view: ReferralView) -> str:
        told = told_to(self._scope, view, self._catalogue).case_id
        # The end of the id: its beginning is the hour, and so the same for all who came at that hour.
        return "" if told == CONFIDENTIAL else told[-6:].upper()

    def _subject(self, view: ReferralView) -> str:
        if view.category == CONFIDENTIAL:
            # The reader is one who is not told either.
            return self._language.gettext("Demande confidentielle")
        category = self._catalogue.categories_by_code.get(view.category)
        topic = self._catalogue.topics_by_code.get(view.topic or "")
        words = [self._language.pick(part.label_fr, part.label_en) for part in (category, topic) if part is not None]
        return " – ".join(words) or view.category

    def _moment(self, said: str) -> str:
        return moment(self._language, datetime.fromisoformat(said).astimezone(self._site.zone), self._now)

    def _due(self, view: ReferralView) -> Deadline | None:
        if view.due_at is None:
            return None
        due = datetime.fromisoformat(view.due_at).astimezone(self._site.zone)
        return deadline(self._language, due, self._now, lambda day: bool(self._site.open_intervals(day)))

    def _appointment(self, view: ReferralView) -> str:
        if view.starts_at is None:
            return ""
        when = self._moment(view.starts_at)
        return self._language.gettext("Rendez-vous %(when)s, place %(place)s", when=when, place=view.place)

    def _why(self, view: ReferralView) -> str:
        known = OUTCOMES.get(view.outcome or "") or REASONS.get(view.reason or "")
        return self._language.gettext(known) if known else ""


def is_answered(view: ReferralView) -> bool:
    """Whether the partner has said anything yet."""
    return view.status != Status.ISSUED
