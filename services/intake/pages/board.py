"""What the desk's page shows: the categories with their keys, topics and doors; where to send; the day so far."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from string import ascii_lowercase
from typing import NamedTuple

from services.intake.pages.directing import Directed, is_confidential
from services.intake.pages.proposing import Proposal, proposals
from services.intake.pages.slip_words import SLIP_WORDS
from services.intake.pages.visit_form import Chosen
from services.intake.today import Seen
from shared.catalogue import Catalogue, Category, Topic
from shared.languages import LANGUAGES
from shared.web.pages import Language, mark, moment

TOPIC_KEYS = "123456789"
OTHER_KEYS = {
    "arrived": "venue",
    "received": "tour",
    "left": "quitte",
    "language": "langue, idiome",
    "interpreter": "traduit, idiome, interprete, hote",
    "reader": "ecrit, calligraphie, kiosque",
    "children": "jeunes",
    "undo": "zut",
}
"""What else has a letter of its own: a word whose letters it would like best. The categories choose first."""
CONFIDENTIAL = mark("Confidentiel")
CHANNEL_WORDS = {
    "in_person": mark("À l’accueil"),
    "phone": mark("Par téléphone"),
    "mail": mark("Par courrier"),
    "email": mark("Par courriel"),
    "home": mark("À domicile"),
    "remote": mark("À distance"),
}
NEED_WORDS = {"interpreter": mark("Interprète"), "reader": mark("Écrivain public")}
STATE_WORDS: Mapping[str, str] = {
    "issued": mark("transmise"),
    "accepted": mark("acceptée"),
    "declined": mark("refusée"),
    "booked": mark("rendez-vous fixé"),
    "walked": mark("accompagnée"),
    "received": mark("personne reçue"),
    "missed": mark("personne absente"),
    "completed": mark("terminée"),
    "rerouted": mark("réorientée"),
    "expired": mark("restée sans réponse"),
    "withdrawn": mark("retirée"),
    "unmet": mark("sans partenaire"),
}
_HERE_IN_THE_HOUSE = mark("dans la maison")
_OFTEN, _OTHERS = mark("Souvent parlées ici"), mark("Toutes les autres")


class TopicOption(NamedTuple):
    """A topic of a category, or none: what it is called, its key, and where it would go. `code` "" = no topic."""

    code: str
    label: str
    key: str
    goes_to: str
    is_sensitive: bool = False


class CategoryOption(NamedTuple):
    """A category, its letter, its topics, and the partners that may be chosen instead (code, name)."""

    code: str
    label: str
    key: str
    on_the_spot: bool
    topics: tuple[TopicOption, ...]
    partners: tuple[tuple[str, str], ...]


class Told(NamedTuple):
    """A request of a recorded visit in words: its subject, and each place to go to (partner, where and when)."""

    subject: str
    kind: str
    places: tuple[tuple[str, str], ...]
    is_confidential: bool


class Row(NamedTuple):
    """A visit of the day in words."""

    visit_id: str
    at: datetime
    channel: str | None
    subjects: tuple[str, ...]
    is_void: bool = False


class Board:
    """One page's view of the catalogue, in one language, at one moment (aware, in the site's zone)."""

    def __init__(self, catalogue: Catalogue, site: str, language: Language, now: datetime) -> None:
        # Of a site that was given up, what happened there is still shown: by the clock of the first one.
        self.site = catalogue.sites_by_code.get(site, catalogue.default_site)
        self._catalogue, self._language = catalogue, language
        self.now = now.astimezone(self.site.zone)

    def categories(self) -> list[CategoryOption]:
        """Every category that can be asked for."""
        keys = letters([category.label_fr for category in self._catalogue.categories])
        return [self._category(category, key) for category, key in zip(self._catalogue.categories, keys, strict=True)]

    def languages(self, often: Collection[str]) -> list[tuple[str, list[tuple[str, str]]]]:
        """The languages that may be said, by code and name: those of the slips and what is often said, then all others.

        Each group with its label, a marked text.
        """
        names = {code: str(self._language.locale.languages[code]) for code in LANGUAGES}
        named = sorted(names.items(), key=lambda one: plain(one[1]))
        first = [one for one in named if one[0] in SLIP_WORDS or one[0] in often]
        return [(_OFTEN, first), (_OTHERS, [one for one in named if one not in first])]

    def place(self, proposal: Proposal) -> str:
        """`Bureau 2, maintenant, jusqu’à 11 h 30`, or `Bureau 2, demain 9 h`."""
        language, where = self._language, self.office(proposal)
        if proposal.start is None or proposal.end is None:
            return language.gettext("pas de permanence dans les sept jours")
        if proposal.start <= self.now < proposal.end:
            clock = language.clock(proposal.end)
            return language.gettext("%(where)s, maintenant, jusqu’à %(clock)s", where=where, clock=clock)
        when = moment(language, proposal.start, self.now)
        return language.gettext("%(where)s, %(when)s", where=where, when=when)

    def office(self, proposal: Proposal) -> str:
        """The name of the office; in the house, where there is none."""
        named = next((office.name for office in self.site.offices if office.code == proposal.office), None)
        return named or self._language.gettext(_HERE_IN_THE_HOUSE)

    @property
    def confidential(self) -> str:
        """What a request is called whose subject is not to be named."""
        return self._language.gettext(CONFIDENTIAL)

    def subject(self, category: str, topic: str | None) -> str:
        """A request in words. Neither category nor topic of a confidential one."""
        if is_confidential(self._catalogue, topic):
            return self._language.gettext(CONFIDENTIAL)
        known = self._catalogue.categories_by_code.get(category)
        return self._label(known) if known else category

    def chosen(self, requests: Iterable[Chosen]) -> list[tuple[str, str]]:
        """The requests so far: as a hidden field carries them, and in words."""
        return [(one.text(), self.subject(one.category, one.topic)) for one in requests]

    def told(self, requests: Iterable[Directed]) -> list[Told]:
        """Where to send the person."""
        return [
            Told(
                self.subject(one.category, one.topic),
                one.kind.value,
                tuple((place.name, self.place(place)) for place in one.places),
                one.is_confidential,
            )
            for one in requests
        ]

    def rows(self, visits: Sequence[Seen]) -> list[Row]:
        """The day so far."""
        return [self._row(visit) for visit in visits]

    def _row(self, visit: Seen) -> Row:
        channel = None if visit.channel == "in_person" else self._language.gettext(CHANNEL_WORDS[visit.channel])
        subjects = tuple(self.subject(one.category, one.topic) for one in visit.requests)
        return Row(visit.visit_id, visit.at, channel, subjects, visit.is_void)

    def _category(self, category: Category, key: str) -> CategoryOption:
        own = [topic for topic in self._catalogue.topics if topic.category == category.code]
        day = self.now.date()
        return CategoryOption(
            code=category.code,
            label=self._label(category),
            key=key,
            on_the_spot=category.on_the_spot,
            topics=(
                TopicOption("", self._language.gettext("Sans précision"), "", self._goes_to(category, None)),
                *(self._topic(category, topic, n) for n, topic in enumerate(own)),
            ),
            partners=tuple(
                (partner.code, partner.name)
                for partner in self._catalogue.partners
                if category.code in partner.categories and partner.active_on(day)
            ),
        )

    def _topic(self, category: Category, topic: Topic, number: int) -> TopicOption:
        key = TOPIC_KEYS[number] if number < len(TOPIC_KEYS) else ""
        if not topic.sensitive:
            return TopicOption(topic.code, self._label(topic), key, self._goes_to(category, topic.code))
        # Who stands at the counter can read this screen: the initials are enough for whoever works here.
        initials = "".join(word[0].upper() for word in self._label(topic).split())
        label = f"{self._language.gettext(CONFIDENTIAL)} ({initials})"
        return TopicOption(topic.code, label, key, self._language.gettext("à dire de vive voix"), is_sensitive=True)

    def _goes_to(self, category: Category, topic: str | None) -> str:
        found = proposals(self._catalogue, self.site.code, category.code, topic, self.now)
        if found:
            return f"{found[0].name} – {self.place(found[0])}"
        if category.on_the_spot:
            return self._language.gettext("l’équipe de la maison")
        return self._language.gettext("personne : la coordination sera prévenue")

    def _label(self, part: Category | Topic) -> str:
        return self._language.pick(part.label_fr, part.label_en)


def other_keys(catalogue: Catalogue) -> dict[str, str]:
    """The letter of each of `OTHER_KEYS`, beside those of the categories; empty for one that gets none."""
    labels = [category.label_fr for category in catalogue.categories]
    return dict(zip(OTHER_KEYS, letters([*labels, *OTHER_KEYS.values()])[len(labels) :], strict=True))


def plain(label: str) -> str:
    """What a label is sorted by: `éwé` stands beside `estonien`, not after `zoulou`."""
    return unicodedata.normalize("NFD", label).lower()


def letters(labels: Sequence[str]) -> list[str]:
    """A letter for each label: one of its own where that is still free, in any case one that no other has.

    Of more labels than letters the last get none.
    """
    taken: list[str] = []
    for label in labels:
        wished = [character for character in plain(label) if character in ascii_lowercase]
        taken.append(next((one for one in [*wished, *ascii_lowercase] if one not in taken), ""))
    return taken
