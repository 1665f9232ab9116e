"""A plan that fails made small: whatever can be left out without the failure going away is left out."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.simulation.plan import Plan

RUNS_MAX = 120
Item = TypeVar("Item")


def shrink(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """The smallest plan found that still fails: no single fault or visit of it can be left out, unless runs ran out."""
    patience = [RUNS_MAX]

    def still_fails(smaller: Plan) -> bool:
        patience[0] -= 1
        return patience[0] >= 0 and fails(smaller)

    before = None
    while plan != before and patience[0] > 0:
        before = plan
        plan = _fewer_visits(_fewer_faults(plan, still_fails), still_fails)
    return plan


def _fewer_faults(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    return plan.without(faults=tuple(_less(plan.faults, lambda some: fails(plan.without(faults=tuple(some))))))


def _fewer_visits(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    return plan.without(visits=tuple(_less(plan.visits, lambda some: fails(plan.without(visits=tuple(some))))))


def _less(items: Sequence[Item], can_go: Callable[[list[Item]], bool]) -> list[Item]:
    """Which items can go: halves first, then quarters, down to one at a time."""
    gone: list[Item] = []
    size = max(1, len(items) // 2)
    while items:
        for start in range(0, len(items), size):
            some = [item for item in items[start : start + size] if item not in gone]
            if some and can_go([*gone, *some]):
                gone += some
        if size == 1:
            break
        size //= 2
    return gone
