"""Set and idempotency: what was acknowledged is there, once, as it was asked; a key has one answer."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.auditing.finding import Finding
from tests.auditing.history import Attempt
from tests.auditing.stored import Visit


def check_visits(recording: Sequence[Attempt], stored: Sequence[Visit]) -> Iterator[Finding]:
    """Every acknowledged visit stands in the log exactly once; nothing stands there that nobody can have asked."""
    found = Counter(visit.visit_id for visit in stored)
    acknowledged = {one.answered["visit_id"]: one for one in recording if one.outcome == "ok"}
    for visit_id in acknowledged:
        if not found[visit_id]:
            yield Finding("lost visit", visit_id)
    for visit_id, times in found.items():
        if times > 1:
            yield Finding("doubled visit", f"{visit_id} stands {times} times in the log")
    # A key that was never acknowledged may have been carried out once; one that was has its visit already.
    keys = {one.asked["key"] for one in recording if one.outcome == "ok"}
    uncertain = {one.asked["key"] for one in recording if one.outcome == "info"} - keys
    unasked = [visit_id for visit_id in found if visit_id not in acknowledged]
    if len(unasked) > len(uncertain):
        yield Finding(
            "unexpected visit", f"{len(unasked)} that nobody was told of, {len(uncertain)} uncertain: {unasked}"
        )
    by_id = {visit.visit_id: visit for visit in stored}
    for visit_id, one in acknowledged.items():
        if visit_id in by_id and _asked(one.asked) != _kept(by_id[visit_id]):
            yield Finding("visit not as asked", visit_id)


def check_keys(recording: Sequence[Attempt]) -> Iterator[Finding]:
    """However often a key was sent, its answer was one."""
    answers: dict[str, Any] = {}
    owners: dict[str, str] = {}
    for one in recording:
        if one.outcome != "ok":
            continue
        key, visit_id = one.asked["key"], one.answered["visit_id"]
        if answers.setdefault(key, one.answered) != one.answered:
            yield Finding("key answered twice differently", key)
        if owners.setdefault(visit_id, key) != key:
            yield Finding("visit under two keys", f"{visit_id}: {owners[visit_id]} and {key}")


def _asked(asked: Mapping[str, Any]) -> Any:
    requests = [(each["category"], bool(each.get("answered"))) for each in asked["requests"]]
    return asked["channel"], requests


def _kept(visit: Visit) -> Any:
    return visit.channel, [(each["category"], bool(each.get("answered"))) for each in visit.requests]
