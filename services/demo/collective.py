"""The collective actions of the played year, and how they go in: through `POST /actions`, as everything here.

The Maison counts 36 health breakfasts and 76 different people between 2006 and 2008; all of them are played in one
year. Guests are cases of visits that were played before, about ten at each table: whoever came once comes again. The
days, and who leads, are ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from services.demo.comparing import BREAKFAST, MEETING
from services.demo.seed import Seed
from services.demo.year import DeskView, opening_days
from shared.catalogue import Catalogue

ANSWER_S_MAX = 15.0
SPEAKERS = 5


class ActionRefused(Exception):
    """The house did not take a planned action, or somebody at it."""


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One action. `guests` are numbers, from 0, of known cases; `key` makes sending it again harmless."""

    key: str
    body: Mapping[str, Any]
    guests: tuple[int, ...] = ()


def plan_actions(house: DeskView, catalogue: Catalogue, seed: Seed) -> Iterator[PlannedAction]:
    """The breakfasts and meetings of the year. A house without a category for them has none."""
    there = [partner for partner in catalogue.partners if partner.active_on(date(seed.year, 1, 1))]
    days, people, seats = opening_days(house, seed.year), int(seed.breakfast_people.value), int(seed.at_the_table.value)
    breakfasts, meetings = int(seed.breakfasts.value), int(seed.meetings.value)
    for number, day in enumerate(_spread(days, breakfasts if "health" in catalogue.categories_by_code else 0)):
        leaders = [partner.code for partner in there if "health" in partner.categories][:2]
        guests = tuple((number * seats + seat) % people for seat in range(seats))
        yield _planned(house, BREAKFAST, number, day, time(9), "health", seats, {"leaders": leaders}, guests)
    for number, day in enumerate(_spread(days, meetings if "legal" in catalogue.categories_by_code else 0)):
        speakers = [partner.code for partner in there if "legal" in partner.categories][:SPEAKERS]
        heads = int(seed.at_a_meeting.value)
        yield _planned(house, MEETING, number, day, time(14), "legal", heads, {"speakers": speakers})


def _planned(
    house: DeskView,
    kind: str,
    number: int,
    day: date,
    at: time,
    category: str,
    headcount: int,
    partners: Mapping[str, Sequence[str]],
    guests: tuple[int, ...] = (),
) -> PlannedAction:
    held_at = datetime.combine(day, at, ZoneInfo(house.zone)).isoformat()
    about = {"site": house.site, "kind": kind, "category": category, "held_at": held_at, "headcount": headcount}
    return PlannedAction(f"played-{kind}-{day.year}-{house.site}-{number:02}", {**about, **partners}, guests)


def _spread(days: Sequence[date], count: int) -> list[date]:
    """So many days, as far apart as they can be."""
    return [days[(2 * number + 1) * len(days) // (2 * count)] for number in range(count)]


async def hold(plan: Sequence[PlannedAction], guests: Sequence[str], intake_url: str) -> int:
    """Enter the actions with their guests (cases); how many were entered. Raises `ActionRefused`."""
    async with httpx.AsyncClient(base_url=intake_url, timeout=ANSWER_S_MAX) as client:
        for action in plan:
            entered = await _post(client, "/actions", action.body, action.key)
            for guest in action.guests:
                path = f"/actions/{entered['action_id']}/attendances"
                await _post(client, path, {"case_id": guests[guest]}, f"{action.key}-{guest}")
    return len(plan)


async def _post(client: httpx.AsyncClient, path: str, body: Mapping[str, Any], key: str) -> Any:
    try:
        answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
    except httpx.TransportError as error:
        raise ActionRefused(f"{path}: {error!r}") from error
    if not answer.is_success:
        raise ActionRefused(f"{path}: {answer.status_code} {answer.text[:200]}")
    return answer.json()
