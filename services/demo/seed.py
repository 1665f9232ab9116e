"""What the Maison published about its own activity: the figures that the played year is held against.

The source is the public description of the Maison de la Solidarité of Dijon. Its percentages are given now of
requests, now of visits; all are read here as shares of requests, the only reading in which they add up.
Each figure carries what the source says, in our words; `published=False` marks a figure that is ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: `value` in `unit`, and what the source says about it, in our words."""

    value: float
    unit: str
    says: str
    published: bool = True


@dataclass(frozen=True, slots=True)
class Band:
    """The lowest and the highest count that still agree with a rounded published one, both included."""

    low: int
    high: int

    def holds(self, count: int) -> bool:
        """Whether the count agrees."""
        return self.low <= count <= self.high


@dataclass(frozen=True, slots=True)
class Seed:
    """The published year. `shares`: percent of requests by category code, in the order of the review."""

    year: int
    visits: Figure
    visits_band: Band
    growth: Figure
    shares: Mapping[str, Figure]
    share_tolerance_points: float
    people_employed_plan: Figure
    people_band: Band
    breakfasts: Figure
    breakfast_people: Figure
    at_the_table: Figure
    meetings: Figure
    at_a_meeting: Figure
    not_played_years: tuple[int, ...] = ()


_OURS = (
    "The source names what the remaining quarter of requests is made of and gives no number for any part: "
    "this split is ours."
)


def _ours(percent: float) -> Figure:
    return Figure(percent, "percent of requests", _OURS, published=False)


SHARES: Mapping[str, Figure] = {
    "social_rights": Figure(
        39.0,
        "percent of requests",
        "Access to social rights makes up 39 % of what people ask for; social workers of the CCAS and of the "
        "CAF follow it up.",
    ),
    "financial": Figure(
        12.0,
        "percent of requests",
        "Money trouble is behind 12 % of visits, and takes social workers and volunteers of associations.",
    ),
    "administrative": Figure(
        11.0,
        "percent of requests",
        "Help with paperwork, where social difficulty is behind it, is 11 %; the house's own staff give it.",
    ),
    "employment": Figure(7.0, "percent of requests", "Finding work is what 7 % of requests are about."),
    "health": Figure(6.0, "percent of requests", "Health questions are behind 6 % of visits."),
    "early_childhood": _ours(6.0),
    "legal": _ours(5.0),
    "housing": _ours(4.0),
    "parenting": _ours(3.0),
    "training": _ours(2.5),
    "elderly": _ours(2.0),
    "literacy": _ours(1.5),
    "other": _ours(1.0),
}

SEED_2008 = Seed(
    year=2008,
    visits=Figure(6000, "visits", "The house received close to 6,000 visits in 2008."),
    # "Close to" leaves room below, and hardly any above: the source would have written "more than".
    visits_band=Band(5900, 6050),
    growth=Figure(
        4.5, "percent a year", "The public has grown by about 4.5 % a year, three years running, up to 2008."
    ),
    shares=SHARES,
    share_tolerance_points=1.0,
    people_employed_plan=Figure(
        150,
        "people",
        "About 150 people are accompanied to work by the PLIE inside the house. People, not visits: in "
        "the played year whoever asks for work or training alone comes four times, and is recognised.",
    ),
    people_band=Band(135, 165),
    breakfasts=Figure(36, "actions", "Between 2006 and 2008, 36 health breakfasts were held; all are played in 2008."),
    breakfast_people=Figure(76, "people", "At these breakfasts 76 people took part, most of them more than once."),
    at_the_table=Figure(10, "people", "About ten people sit at each breakfast."),
    meetings=Figure(2, "actions", "Twice a year institutions and associations meet around one theme."),
    at_a_meeting=Figure(40, "people", "About 40 take part in such a meeting, with four or five speakers."),
    not_played_years=(2005, 2006, 2007),
)
