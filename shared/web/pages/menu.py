"""The menu of the house, the same on the pages of all three services, cut down to what its reader may open.

No service knows another, so what it holds stands here; whether an entry is shown is read from the policy table.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import HTTPConnection

from shared.access.policy import POLICY
from shared.access.sign_in_address import sign_in_page, target
from shared.catalogue import Catalogue
from shared.settings import Settings
from shared.web.pages.language import mark
from shared.web.pages.reader import Reader

INVITATIONS = "/desk/invitations"
_OWN = "{partner}"


class Entry(NamedTuple):
    """A page of a service: `path` as the policy names it, `label` a marked text.

    `beneath` = a pattern of the pages that are found from there without standing below its address.
    """

    service: str
    path: str
    label: str
    beneath: str = ""


class Group(NamedTuple):
    """Entries for one kind of work; `label` is a marked text."""

    label: str
    entries: tuple[Entry, ...]


class Link(NamedTuple):
    """An entry as one page shows it. `current`: what `aria-current` says of it there, None = nothing."""

    href: str
    label: str
    current: str | None


MENU = (
    Group(
        mark("Accueillir"),
        (
            Entry("intake", "/desk", mark("Accueil"), "/visits/.*"),
            Entry("intake", "/desk/tally", mark("Journée sur papier")),
            Entry("intake", INVITATIONS, mark("Invitations")),
            Entry("intake", "/desk/actions", mark("Actions collectives")),
            Entry("intake", "/desk/people", mark("Personnes"), "/(people|cases)/.*"),
            Entry("intake", "/openings/page", mark("Scellés")),
            Entry("intake", "/retention/page", mark("Conservation"), "/eliminations/.*"),
        ),
    ),
    Group(
        mark("Orienter"),
        (
            Entry("referral", "/desks", mark("Partenaires")),
            Entry("referral", f"/desks/{_OWN}", mark("Vos orientations"), "/desks/.*"),
            Entry("referral", "/week", mark("Semaine")),
            Entry("referral", "/coordination/page", mark("Coordination"), "/coordination/.*"),
        ),
    ),
    Group(
        mark("Compter"),
        (
            Entry("stats", "/figures", mark("Chiffres")),
            Entry("stats", "/report", mark("Bilan de l’année"), "/report/[0-9]+/page"),
            Entry("stats", "/published", mark("Bilan publié"), "/report/[0-9]+/city/page"),
        ),
    ),
)


@dataclass(frozen=True)
class Menu:
    """The menu on the pages of one service."""

    service: str
    settings: Settings
    catalogue: Catalogue

    def groups(self, request: HTTPConnection, reader: Reader | None) -> list[tuple[str, list[Link]]]:
        """What this reader is shown: the label and the links of each group that has any."""
        shown = [(group.label, [one for one in group.entries if self._is_for(one, reader)]) for group in MENU]
        own = [one for _, entries in shown for one in entries if self._is_own(one)]
        current = _current(request.url.path, own, reader)

        def link(entry: Entry) -> Link:
            return Link(self._address(entry, request, reader), entry.label, current.get(entry))

        return [(label, [link(one) for one in entries]) for label, entries in shown if entries]

    def first(self, request: HTTPConnection, reader: Reader | None) -> str:
        """Where whoever types no more than the name is brought: to what they may open here, else elsewhere."""
        entries = [one for group in MENU for one in group.entries]
        here = [one for one in entries if self._is_own(one)]
        allowed = [one for one in (*here, *entries) if self._is_for(one, reader)]
        return self._address(next(iter(allowed), here[0]), request, reader)

    def sign_in(self, request: HTTPConnection, reader: Reader | None) -> str | None:
        """The page to sign in, for somebody unknown in an open house, where what is held on people asks for it too.

        A closed house leads there by itself.
        """
        if reader or self.settings.access != "open" or request.url.path == "/sign-in":
            return None
        return sign_in_page(self.settings, request.scope, self.service)

    def _is_own(self, entry: Entry) -> bool:
        return entry.service == self.service

    def _is_for(self, entry: Entry, reader: Reader | None) -> bool:
        rule = POLICY[entry.service]["GET", entry.path]
        if reader is None:
            return _OWN not in entry.path and not rule.personal and self.settings.access == "open"
        if _OWN in entry.path and reader.partner is None:
            return False
        if entry.path == INVITATIONS and reader.partner not in (None, self.catalogue.invites_to):
            return False
        return rule.lets_in(reader.code, live_to_city=self.catalogue.live_to_city is not None)

    def _address(self, entry: Entry, request: HTTPConnection, reader: Reader | None) -> str:
        return target(self.settings, request, entry.service, _path(entry, reader), here=self.service)


def _path(entry: Entry, reader: Reader | None) -> str:
    return entry.path.replace(_OWN, (reader.partner if reader else None) or "")


def _current(path: str, entries: Sequence[Entry], reader: Reader | None) -> Mapping[Entry, str]:
    """The entry that leads to this page, or else to where it is found, with what `aria-current` says of it."""
    for entry in entries:
        if path == _path(entry, reader):
            return {entry: "page"}
    below = [entry for entry in entries if path.startswith(_path(entry, reader) + "/")]
    found = [entry for entry in entries if entry.beneath and re.fullmatch(entry.beneath, path)] or below
    return {max(found, key=lambda entry: len(entry.path)): "true"} if found else {}
