"""Scopes: whose affairs a reader is told of, and that nothing is read without one."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from services.intake import queries as intake
from services.intake.today import Today
from services.referral import desk
from services.referral import queries as referral
from services.referral.keeping import QUEUE_ITEMS
from services.referral.narrowing import narrowed
from shared.access.principal import Principal, Role
from shared.access.scope import INNER, Scope, scope_of
from shared.database import Database
from shared.log import Log

HOUSE = (Role.FRONT_DESK, Role.COORDINATOR, Role.DATA_PROTECTION)
OTHERS = (Role.PARTNER, Role.STATISTICS, Role.OPERATIONS)


def scope(role: Role, partner: str | None = None) -> Scope:
    return scope_of(Principal(role, partner, "an-account", "a-site"))


def test_a_partner_is_told_of_what_is_its_own() -> None:
    reader = scope(Role.PARTNER, "p01")
    assert reader.holds("p01")
    assert not reader.holds("p02")


def test_a_partner_whose_code_is_missing_is_told_of_nobody() -> None:
    assert not scope(Role.PARTNER).holds("p01")
    sql = str(narrowed(select(QUEUE_ITEMS.c.queue), scope(Role.PARTNER)))
    assert sql.endswith("queue IS NULL")


@pytest.mark.parametrize("role", HOUSE)
def test_the_house_is_told_of_everybody(role: Role) -> None:
    assert scope(role).reads_files
    assert scope(role).holds("p01")


@pytest.mark.parametrize("role", OTHERS)
def test_files_are_no_business_of_partners_and_of_the_city(role: Role) -> None:
    assert not scope(role, "p01").reads_files


@pytest.mark.parametrize("role", [Role.STATISTICS, Role.OPERATIONS])
def test_who_counts_or_keeps_the_house_running_is_told_of_nobody(role: Role) -> None:
    assert not scope(role).holds("p01")
    assert "WHERE false" in str(narrowed(select(QUEUE_ITEMS.c.queue), scope(role))).replace("0 = 1", "false")


def test_a_scope_is_who_asks() -> None:
    assert scope(Role.PARTNER, "p01") == Scope(Role.PARTNER, "p01", "an-account", "a-site")
    assert scope_of(None) == INNER


def test_a_scope_is_not_widened() -> None:
    with pytest.raises(FrozenInstanceError):
        scope(Role.PARTNER, "p01").partner = "p02"  # type: ignore[misc]


def test_a_query_without_a_scope_does_not_type_check() -> None:
    # mypy is strict about remarks that nothing needs: were one of these calls right, it would say so.
    database, log, today = object.__new__(Database), object.__new__(Log), object.__new__(Today)
    forgotten: tuple[Callable[[], Any], ...] = (
        lambda: referral.referral(database, "a-referral"),  # type: ignore[call-arg]
        lambda: referral.queue(database, "p01", "0-0", 3, None),  # type: ignore[call-arg]
        lambda: desk.open_count(database, "p01"),  # type: ignore[call-arg]
        lambda: intake.visit(log, database, "a-visit"),  # type: ignore[call-arg, arg-type]
        lambda: intake.case(log, database, "a-case"),  # type: ignore[call-arg, arg-type]
        lambda: today.visits("a-site", date(2003, 5, 21)),  # type: ignore[call-arg]
    )
    for ask in forgotten:
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            ask()
