"""The life of each referral, told anew: where it stands, what it says of before, and what took its place."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.auditing.finding import Finding
from tests.auditing.stored import ISSUED, NEED_DROPPED, SETTLED, UNMET, Stored

BECOMES = {
    "accepted": "accepted", "declined": "declined", "rerouted": "rerouted", "appointment-booked": "booked",
    "person-walked": "walked", "person-received": "received", "person-missed": "missed", "completed": "completed",
    "expired": "expired", "withdrawn": "withdrawn", "reopened": "issued",
}  # fmt: skip
ANSWERS = frozenset(BECOMES) - {"rerouted", "expired", "withdrawn", "reopened"}
OPEN = frozenset({"issued", "accepted", "booked", "walked", "received", "missed"})
ENDS = frozenset({"completed", "declined", "rerouted", "expired", "withdrawn"})
ONLY_FROM = {
    "accepted": {"issued"},
    "completed": {"accepted", "booked", "received", "missed"},
    "reopened": ENDS,
    "appointment-cancelled": {"booked", "walked"},
}
"""From where a move is allowed; all others from whatever is open."""


@dataclass
class Life:
    """One referral, or one unmet need."""

    referral_id: str
    made: Mapping[str, Any]
    status: str
    walked_at: str | None = None
    walked_before: str | None = None
    walk: tuple[str, int] | None = None
    followers: list[str] = field(default_factory=list)
    is_settled: bool = False
    wrong: list[str] = field(default_factory=list)
    walks: list[tuple[str, int]] = field(default_factory=list)
    answered_on: str | None = None
    answered_before: str | None = None
    completed_on: str | None = None
    completed_before: str | None = None
    has_place: bool = False
    had_place: bool = False

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_open_need(self) -> bool:
        return self.status == "unmet"


def lives_of(referral: Sequence[Stored]) -> dict[str, Life]:
    """Every referral by its id, as its events leave it."""
    lives: dict[str, Life] = {}
    for event in sorted(referral, key=lambda each: (each.stream, each.version)):
        name = event.stream.removeprefix("referral-")
        if event.type in (ISSUED, UNMET):
            lives[name] = Life(name, event.data, "issued" if event.type == ISSUED else "unmet")
        elif name in lives:
            _take(lives[name], event)
    return lives


def check_lives(referral: Sequence[Stored]) -> Iterator[Finding]:
    """No event moves a referral from where it was not, or where it may not."""
    for life in lives_of(referral).values():
        for what in life.wrong:
            yield Finding("illegal move", f"{life.referral_id}: {what}")


def check_chains(referral: Sequence[Stored]) -> Iterator[Finding]:
    """What follows a referral follows exactly one, and no request lies with a partner and nobody at once."""
    lives = lives_of(referral)
    named = Counter((life.referral_id, follower) for life in lives.values() for follower in life.followers)
    for life in lives.values():
        replaces = life.made.get("replaces")
        if replaces is not None and not named[replaces, life.referral_id]:
            yield Finding("chain broken", f"{life.referral_id} follows {replaces}, which was not given on to it")
    for (before, follower), times in named.items():
        follows = lives[follower].made.get("replaces") if follower in lives else None
        if follows != before and not lives[before].is_settled:
            yield Finding("chain broken", f"{before} was given on to {follower}, which does not follow it")
        if times > 1 and not lives[before].is_settled:
            yield Finding("given on twice", f"{before} to {follower}")
    yield from _at_once(lives)


def _at_once(lives: Mapping[str, Life]) -> Iterator[Finding]:
    requests = defaultdict(list)
    for life in lives.values():
        requests[life.made["request_id"]].append(life)
    for request, found in requests.items():
        needs = sum(life.is_open_need for life in found)
        if needs > 1 or (needs and any(life.is_open for life in found)):
            yield Finding("unmet and with a partner", request)


def _take(life: Life, event: Stored) -> None:
    kind, data = event.type.split(".")[1], event.data
    if event.type == SETTLED:
        if life.status != "unmet":
            life.wrong.append(f"settled, and {life.status}")
        life.status, life.is_settled = "rerouted", True
        life.followers.append(data["follower"])
        return
    if event.type == NEED_DROPPED:
        if life.status != "unmet":
            life.wrong.append(f"dropped, and {life.status}")
        life.status = "withdrawn"
        return
    if "was" not in data:
        return
    if data["was"] != life.status:
        life.wrong.append(f"{kind} says it was {data['was']}, it was {life.status}")
    if kind != "move-undone" and life.status not in ONLY_FROM.get(kind, OPEN):
        life.wrong.append(f"{kind} from {life.status}")
    if kind == "completed" and not data.get("outcome"):
        life.wrong.append("completed without an outcome")
    _move(life, kind, event)


def _move(life: Life, kind: str, event: Stored) -> None:
    data = event.data
    if data.get("follower"):
        life.followers.append(data["follower"])
    if kind == "move-undone":
        if life.walk is not None:
            life.walks.remove(life.walk)
        life.status, life.walked_at, life.walk = data["back_to"], life.walked_before, None
        life.answered_on, life.completed_on = life.answered_before, life.completed_before
        life.has_place = life.had_place
        return
    life.walked_before, life.walk = life.walked_at, None
    life.answered_before, life.completed_before = life.answered_on, life.completed_on
    if kind in ANSWERS and life.answered_on is None:
        life.answered_on = event.time[:10]
    life.completed_on = event.time[:10] if kind == "completed" else None
    if kind in ("person-received", "person-missed") and life.walked_at is not None:
        waited = datetime.fromisoformat(event.time) - datetime.fromisoformat(life.walked_at)
        result = "received" if kind == "person-received" else "left"
        life.walk = result, max(0, int(waited.total_seconds() // 60))
        life.walks.append(life.walk)
    life.walked_at = event.time if kind == "person-walked" else None
    life.status = BECOMES.get(kind) or data["back_to"]
    life.had_place = life.has_place
    if kind == "appointment-booked":
        life.has_place = True
    elif kind == "appointment-cancelled" or life.status in ENDS - {"completed"} | {"issued"}:
        life.has_place = False
