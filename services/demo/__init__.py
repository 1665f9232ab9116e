"""The demo plays the year 2008 of the Maison through the front desks and prints its yearly review.

It owns no data and hears no topic: visits go in through `POST /visits`, and every count that it prints comes
out of the stats service.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
from rich.console import Console

from services.demo.collective import ActionRefused, hold, plan_actions
from services.demo.comparing import Report, compare
from services.demo.play import DeskRefused, IntakeUnreachable, await_drained, play, shown_progress
from services.demo.review import print_review
from services.demo.seed import SEED_2008
from services.demo.year import desk_view, plan_year
from shared.catalogue import Catalogue

READ_S_MAX = 30.0


async def run_demo(
    intake_url: str,
    referral_url: str,
    stats_url: str,
    verify: Callable[[], Awaitable[Mapping[str, Any]]],
    catalogue: Catalogue,
    *,
    console: Console | None = None,
    status: Callable[[], Awaitable[Mapping[str, Any]]] | None = None,
    wait_s_max: float = 120.0,
) -> bool:
    """Plays 2008 into a running house, waits until it is counted, prints the review; True if all agrees.

    `verify` answers with the document of `maison verify --json`, `status` with that of `maison status`.
    """
    page = console or Console()
    plan = list(plan_year(desk_view(catalogue)))
    try:
        with shown_progress(page, len(plan)) as progress:
            played = await play(plan, intake_url, progress)
        guests = list(dict.fromkeys(case_id for _, case_id in sorted(played.cases.items())))
        held = await hold(list(plan_actions(desk_view(catalogue), catalogue, SEED_2008)), guests, intake_url)
    except (DeskRefused, IntakeUnreachable, ActionRefused) as stopped:
        page.print(f"L'année n'a pas été jouée jusqu'au bout : {stopped}", markup=False, highlight=False)
        return False
    answers = ", ".join(f"{count} x {code}" for code, count in sorted(played.by_status.items()))
    page.print(f"{played.visits} accueils confirmés ({answers})", markup=False, highlight=False)
    page.print(f"{held} actions collectives confirmées", markup=False, highlight=False)
    drained = await await_drained(referral_url, stats_url, played.visits, wait_s_max=wait_s_max, status=status)
    if not drained.settled:
        page.print(
            f"Toujours en mouvement après {drained.waited_s:.0f} s : {drained.visits} accueils comptés, "
            f"{drained.still_open} demandes sans suite",
            highlight=False,
        )
    try:
        async with httpx.AsyncClient(timeout=READ_S_MAX) as client:
            report = Report.model_validate(await _read(client, f"{stats_url}/report/{SEED_2008.year}"))
            partners = await _read(client, f"{referral_url}/partners")
    except httpx.HTTPError as error:
        page.print(f"Le bilan n'a pas pu être lu : {error!r}", markup=False, highlight=False)
        return False
    comparisons = compare(report, SEED_2008, acknowledged_visits=played.visits, acknowledged_requests=played.requests)
    names = {category.code: category.label_fr for category in catalogue.categories}
    agrees = print_review(page, report, SEED_2008, partners, await verify(), comparisons, names)
    return agrees and drained.settled


async def _read(client: httpx.AsyncClient, url: str) -> Any:
    answer = await client.get(url)
    return answer.raise_for_status().json()
