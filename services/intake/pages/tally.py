"""A day that was counted on paper: how many asked for what, turned into the visits of a batch.

Each visit's key is made of its sheet, its line and its place there: the same sheet entered again counts once, and a
line that was entered too low is made good by entering the right number.
"""

from collections.abc import Iterator
from datetime import datetime, time
from typing import Any, Literal, NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field, create_model

from services.intake.pages.visit_form import HERE, PROPOSED, TEAM, Chosen, visit_body
from services.intake.plain_forms import CHANNELS
from shared.catalogue import Catalogue, Site
from shared.web.parameters import Day

COUNT_MAX = 150
"""On one line: two workers receive fewer in a whole day."""
SHEETS_MAX = 20
_USUALLY = time(9)


class Line(NamedTuple):
    """One line of a sheet: how many asked for this, and how many of them were answered on the spot."""

    category: str
    sent: int
    here: int


class Entered(NamedTuple):
    """What became of a sheet: visits that are new, that were there already, that were refused."""

    new: int
    known: int
    refused: int


class TallyForms:
    """The tally sheet of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._categories = [category.code for category in catalogue.categories]
        count = (int | None, Field(default=None, ge=0, le=COUNT_MAX))
        fields: dict[str, Any] = {
            "site": (Literal[tuple(site.code for site in catalogue.sites)], catalogue.default_site.code),
            "channel": (Literal[CHANNELS], CHANNELS[0]),
            "day": (Day, ...),
            "sheet": (int, Field(default=1, ge=1, le=SHEETS_MAX)),
        }
        for code in self._categories:
            fields |= {f"sent_{code}": count, f"here_{code}": count}
        self.form: type[BaseModel] = create_model("TallyForm", __config__=ConfigDict(extra="forbid"), **fields)
        self._on_the_spot = {category.code for category in catalogue.categories if category.on_the_spot}

    def lines(self, form: Any) -> list[Line]:
        """The lines that count anything."""
        read = [
            Line(code, getattr(form, f"sent_{code}") or 0, getattr(form, f"here_{code}") or 0)
            for code in self._categories
        ]
        return [line for line in read if line.sent or line.here]

    def batch(self, form: Any, site: Site) -> bytes:
        """The sheet as the body of a batch: one visit a request, at the hour when the doors opened that day.

        The hour is not known; the same for each time that the sheet is entered, so that it is the same visit.
        """
        at = self.happened_at(form, site)
        visits = [
            visit_body(form.site, form.channel, [chosen], at, f"tally:{form.site}:{form.day}:{form.sheet}:{place}")
            for line in self.lines(form)
            for chosen, place in self._visits(line)
        ]
        return b"\n".join(visits)

    @staticmethod
    def happened_at(form: Any, site: Site) -> datetime:
        """When the visits of a sheet are said to have happened (aware)."""
        opens = next((hours.start for hours in site.open_intervals(form.day)), _USUALLY)
        return datetime.combine(form.day, opens, site.zone)

    def _visits(self, line: Line) -> Iterator[tuple[Chosen, str]]:
        step = TEAM if line.category in self._on_the_spot else PROPOSED
        for n in range(line.sent):
            yield Chosen(line.category, None, step), f"{line.category}:sent:{n}"
        for n in range(line.here):
            yield Chosen(line.category, None, HERE), f"{line.category}:here:{n}"


def entered(answer: bytes) -> Entered:
    """What a batch answered, counted."""
    results = [msgspec.json.decode(line) for line in answer.splitlines() if line]
    new = sum(1 for one in results if one["status"] == 201 and not one.get("replayed"))
    known = sum(1 for one in results if one["status"] == 201 and one.get("replayed"))
    return Entered(new, known, len(results) - new - known)
