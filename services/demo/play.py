"""The front desks of the demo: a planned year goes in through `POST /visits`, and nowhere else.

Three desks work side by side, each one visit at a time and in order. A visit that gets no answer is sent
again under the same idempotency key, so an answer lost on the way costs a retry and never a second visit.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.demo.year import PlannedVisit

TRIES_MAX = 8
BACKOFF_S_FIRST = 0.1
BACKOFF_S_MAX = 5.0
ANSWER_S_MAX = 15.0
PLAIN_LINES = 10


class DeskRefused(Exception):
    """The intake refused a planned visit: the plan and the house disagree, and sending on would hide it."""

    def __init__(self, visit: PlannedVisit, status: int, detail: str) -> None:
        super().__init__(f"visit {visit.number} of {visit.occurred_at:%Y-%m-%d %H:%M} refused with {status}: {detail}")
        self.status = status
        self.detail = detail


class IntakeUnreachable(Exception):
    """No usable answer after the last try."""

    def __init__(self, visit: PlannedVisit, tries: int, last: str) -> None:
        super().__init__(f"visit {visit.number}: no answer from the intake after {tries} tries ({last})")


@dataclass(slots=True)
class Played:
    """What the intake acknowledged: visits, their requests by category, answers by HTTP status, cases by number."""

    visits: int = 0
    requests: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    cases: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drained:
    """Where the waiting ended; `settled` = every visit counted, no request open, nothing moving any more."""

    settled: bool
    visits: int
    still_open: int
    waited_s: float


async def play(plan: Iterable[PlannedVisit], intake_url: str, progress: Callable[[], None]) -> Played:
    """Sends the plan; `progress` is called once for each acknowledged visit.

    Raises `DeskRefused` at the first refusal, `IntakeUnreachable` when tries run out; the other desks stop.
    """
    desks: dict[int, list[PlannedVisit]] = {}
    for visit in plan:
        desks.setdefault(visit.desk, []).append(visit)
    played = Played()
    async with httpx.AsyncClient(base_url=intake_url, timeout=ANSWER_S_MAX) as client:
        try:
            async with asyncio.TaskGroup() as work:
                for visits in desks.values():
                    work.create_task(_serve(client, visits, played, progress))
        except* (DeskRefused, IntakeUnreachable) as stopped:
            failure = stopped.exceptions[0]
        else:
            return played
    raise failure


async def _serve(
    client: httpx.AsyncClient, visits: Sequence[PlannedVisit], played: Played, progress: Callable[[], None]
) -> None:
    for visit in visits:
        # The visit that it returns to was at this very desk, which takes one after the other.
        case_id = None if visit.returns_to is None else played.cases[visit.returns_to]
        answer = await _send(client, visit, case_id)
        played.visits += 1
        played.requests.update(str(request["category"]) for request in answer.json()["requests"])
        played.by_status[answer.status_code] += 1
        played.cases[visit.number] = str(answer.json()["case_id"])
        progress()


async def _send(client: httpx.AsyncClient, visit: PlannedVisit, case_id: str | None) -> httpx.Response:
    body, headers = visit_body(visit), {"Idempotency-Key": visit.idempotency_key}
    if case_id is not None:
        body["case_id"] = case_id
    last = ""
    for tries in range(TRIES_MAX):
        if tries:
            await asyncio.sleep(min(BACKOFF_S_FIRST * 2 ** (tries - 1), BACKOFF_S_MAX))
        try:
            answer = await client.post("/visits", json=body, headers=headers)
        except httpx.TransportError as error:
            last = repr(error)
            continue
        if answer.is_success:
            return answer
        last = f"{answer.status_code} {problem_detail(answer)}"
        # Our own earlier try may still be at work behind the lost answer: 409 is then not a refusal.
        own_twin = answer.status_code == httpx.codes.CONFLICT and tries > 0
        if not answer.is_server_error and not own_twin:
            raise DeskRefused(visit, answer.status_code, problem_detail(answer))
    raise IntakeUnreachable(visit, TRIES_MAX, last)


def visit_body(visit: PlannedVisit) -> dict[str, Any]:
    """The visit as the body of `POST /visits`; what is not known is left out."""
    requests: list[dict[str, Any]] = []
    for asked in visit.requests:
        known = {"topic": asked.topic, "partner": asked.partner, "answered": asked.answered or None}
        filled = {key: value for key, value in known.items() if value is not None}
        requests.append({"category": asked.category, **filled})
    return {
        "site": visit.site,
        "channel": visit.channel,
        "occurred_at": visit.occurred_at.isoformat(),
        "requests": requests,
    }


def problem_detail(answer: httpx.Response) -> str:
    """What an RFC 9457 problem says, as one line; the raw beginning of any other answer."""
    try:
        problem = answer.json()
    except ValueError:
        return answer.text[:300]
    if not isinstance(problem, dict):
        return answer.text[:300]
    told = [str(problem[key]) for key in ("title", "detail", "errors") if problem.get(key)]
    return " - ".join(told) or answer.text[:300]


async def await_drained(
    referral_url: str,
    stats_url: str,
    acknowledged: int,
    *,
    year: int = 2008,
    wait_s_max: float = 60.0,
    still_s: float = 1.0,
    poll_s: float = 0.1,
    status: Callable[[], Awaitable[Mapping[str, Any]]] | None = None,
) -> Drained:
    """Waits until every acknowledged visit is counted and no request is open, `wait_s_max` at the most.

    Then nothing may move for `still_s`: neither the positions of the figures, nor the checkpoints and lags
    that `status` (the document of `maison status --json`) or else the readiness of referral names.
    Never raises for a house that is late: the answer says how far it came, the review shows what is missing.
    """
    started = moved = time.monotonic()
    figures, standing = _Figures(0, 0, {}), list[Any]()
    async with httpx.AsyncClient(timeout=ANSWER_S_MAX) as client:
        while True:
            now = time.monotonic()
            try:
                seen = await _figures(client, stats_url, year)
                document = await status() if status else await _read(client, f"{referral_url}/health/ready")
            except httpx.HTTPError:
                moved = now
            else:
                lagging = any(values_of("lag_events", document))
                checkpoints = values_of("checkpoint", document)
                if lagging or (seen, checkpoints) != (figures, standing):
                    figures, standing, moved = seen, checkpoints, now
            # More visits than acknowledged is a fault too, and waiting mends it no better.
            done = figures.visits >= acknowledged and not figures.still_open
            settled = done and now - moved >= still_s
            if settled or now - started >= wait_s_max:
                return Drained(settled, figures.visits, figures.still_open, now - started)
            await asyncio.sleep(poll_s)


@dataclass(frozen=True, slots=True)
class _Figures:
    visits: int
    still_open: int
    as_of: Mapping[str, Any]


async def _figures(client: httpx.AsyncClient, stats_url: str, year: int) -> _Figures:
    """The year's visits and open requests; what changes between the two questions is seen next time."""
    of_year = {"period": "year", "from": f"{year}-01-01", "to": f"{year}-12-31"}
    visits = await _read(client, f"{stats_url}/stats/visits", of_year)
    requests = await _read(client, f"{stats_url}/stats/requests", {**of_year, "by": "status"})
    still_open = sum(row["count"] for row in requests["rows"] if row["status"] == "open")
    return _Figures(sum(row["count"] for row in visits["rows"]), still_open, visits["as_of"])


async def _read(client: httpx.AsyncClient, url: str, params: Mapping[str, str] | None = None) -> Any:
    answer = await client.get(url, params=params)
    return answer.raise_for_status().json()


def values_of(name: str, document: Any) -> list[Any]:
    """Every value of that name in a JSON document, in its order; status and readiness nest differently."""
    if isinstance(document, Mapping):
        own = [document[name]] if name in document else []
        return own + [value for part in document.values() for value in values_of(name, part)]
    if isinstance(document, list):
        return [value for part in document for value in values_of(name, part)]
    return []


@contextmanager
def shown_progress(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on a terminal, a line for each tenth of the way elsewhere; call it once a visit."""
    if not console.is_terminal:
        yield _plain_lines(console, total)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("accueils", total=total)
        yield lambda: bar.advance(task)


def _plain_lines(console: Console, total: int) -> Callable[[], None]:
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done * PLAIN_LINES // total > (done - 1) * PLAIN_LINES // total:
            console.print(f"accueils {done}/{total}", highlight=False)

    return advance
