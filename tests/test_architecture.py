"""The floor plan, kept: each rule over the whole house, and over a fault planted for it."""

import inspect
import re
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.modules import Module
from tests.architecture.rules import Rule

ROOT = Path(__file__).parents[1]

# A rule, a file, and the text in it that breaks the rule.
PLANTED: tuple[tuple[Rule, str, str], ...] = (
    (rules.arrows_point_down, "services/intake/handlers.py", "from services.intake.api import routes"),
    (rules.arrows_point_down, "services/intake/handlers.py", "from services.intake import app"),
    (rules.arrows_point_down, "services/intake/queries.py", "from .handlers import record_visit"),
    (rules.arrows_point_down, "services/intake/tables/visit.py", "import services.intake.projections"),
    (rules.services_stay_apart, "services/stats/api.py", "import services.intake.tables"),
    (rules.services_stay_apart, "services/referral/app.py", "from services import stats"),
    (rules.services_stay_apart, "services/referral/app.py", "from ..stats import tables"),
    (rules.shared_knows_no_service, "shared/log/log.py", "if 1:\n    from services.intake import api"),
    (rules.the_house_needs_no_tests, "services/intake/app.py", "from tests.servers import Valkey"),
    (rules.the_auditor_counts_by_itself, "services/verify/counts.py", "from services.stats import tables"),
    (rules.pure_rooms_import_only_what_is_pure, "services/intake/decider.py", "import random"),
    (rules.pure_rooms_import_only_what_is_pure, "services/intake/decider.py", "from os import path"),
    (rules.pure_rooms_import_only_what_is_pure, "services/intake/reactions.py", "import sqlalchemy"),
    (
        rules.pure_rooms_import_only_what_is_pure,
        "services/intake/commands.py",
        "from shared.ids import new_id",
    ),
    (rules.pure_rooms_import_only_what_is_pure, "services/intake/routing.py", "from shared.log import Log"),
    (rules.pure_rooms_import_only_what_is_pure, "services/intake/routing.py", "from .tables import Visit"),
    (rules.pure_rooms_never_wait, "services/referral/decider.py", "async def decide(): ..."),
    (rules.clock_and_chance_are_asked_in_one_place, "services/intake/api.py", "datetime.datetime.now(UTC)"),
    (rules.clock_and_chance_are_asked_in_one_place, "services/intake/api.py", "dt.datetime.utcnow()"),
    (rules.clock_and_chance_are_asked_in_one_place, "services/intake/api.py", "from time import time"),
    (rules.clock_and_chance_are_asked_in_one_place, "services/house.py", "from uuid import uuid4"),
    (rules.clock_and_chance_are_asked_in_one_place, "services/house.py", "import uuid\nuuid.uuid4()"),
    (rules.clock_and_chance_are_asked_in_one_place, "shared/relay/relay.py", "import random"),
    (rules.clock_and_chance_are_asked_in_one_place, "shared/relay/relay.py", "from random import choice"),
    (
        rules.what_is_read_of_somebody_takes_a_scope,
        "services/referral/queries.py",
        "async def referral(database: Database, referral_id: str): ...",
    ),
    (
        rules.what_is_read_of_somebody_takes_a_scope,
        "services/intake/queries.py",
        "async def visit(log: Log, visit_id: str, scope: Scope = INNER): ...",
    ),
    (
        rules.what_is_read_of_somebody_takes_a_scope,
        "services/intake/today.py",
        "class Today:\n    async def visits(self, scope: str): ...",
    ),
    (
        rules.what_is_read_of_somebody_takes_a_scope,
        "services/referral/desk.py",
        "def late(connection: Connection, code: str): ...",
    ),
    (
        rules.what_leads_to_somebody_is_read_on_the_read_side,
        "services/referral/pages/new.py",
        "from services.referral.keeping import QUEUE_ITEMS",
    ),
    (
        rules.what_leads_to_somebody_is_read_on_the_read_side,
        "services/intake/retention.py",
        "from services.intake import tables\ntables.VISIT_REFERRALS",
    ),
    (rules.edges_answer_in_the_scope_of_who_asks, "services/intake/api.py", "log.read_tagged(visit_id)"),
    (rules.edges_answer_in_the_scope_of_who_asks, "services/intake/actions/routes.py", "self._log.read(stream)"),
    (
        rules.edges_answer_in_the_scope_of_who_asks,
        "services/referral/pages/desk.py",
        "from shared.access.scope import INNER",
    ),
    (rules.scopes_are_made_in_one_place, "services/intake/api.py", "Scope(None, None, None, None)"),
    (rules.scopes_are_made_in_one_place, "shared/web/app.py", "scope.Scope(role, None, None, None)"),
    (rules.names_say_what_is_inside, "shared/utils.py", ""),
    (rules.names_say_what_is_inside, "services/intake/helpers/dates.py", ""),
    (rules.names_say_what_is_inside, "tests/test_common.py", ""),
    (rules.modules_introduce_themselves, "shared/clock.py", "import datetime"),
    (rules.files_stay_small, "shared/log/log.py", "\n" * (rules.LINES_MAX + 1)),
)
RULES = tuple(dict.fromkeys(rule for rule, _, _ in PLANTED))

ALLOWED = (
    Module("services/intake/app.py", '"""Wires."""\nfrom services.intake import api, consumers'),
    Module("services/intake/api.py", '"""Edge."""\nimport time\nfrom .queries import view\ntime.monotonic()'),
    Module("services/intake/reactions.py", '"""Rules."""\nfrom services.intake.routing import route'),
    Module("services/stats/projections.py", '"""Rules."""\nfrom .tables import Day\nfrom .periods import month'),
    Module("services/stats/periods.py", '"""Part of the rules."""\nimport calendar'),
    Module("services/stats/decider.py", '"""Rules."""\nfrom datetime import datetime\nimport msgspec'),
    Module("services/stats/commands.py", '"""Rules."""\nfrom shared.ids import derive_id'),
    Module("services/referral/migrations/0001_log.py", '"""Schema."""\nfrom shared.log import schema'),
    Module(
        "services/referral/live.py",
        '"""Live."""\nclass LiveQueue:\n    async def follow(self, scope: Scope, code: str): ...'
        "\n    async def head(self, code: str): ...\ndef _row(connection: Connection): ...",
    ),
    Module("services/referral/timer.py", '"""By itself."""\nfrom services.referral.keeping import QUEUE_ITEMS'),
    Module("services/intake/persons.py", '"""Inside."""\nfrom shared.access.scope import INNER\nself.log.read(x)'),
    Module("shared/access/scope.py", '"""Makes them."""\nINNER = Scope(None, None, None, None)'),
    Module("services/house.py", '"""Starts all."""\nfrom services.intake.app import build'),
    Module("shared/clock.py", '"""Clock."""\nfrom datetime import datetime\ndatetime.now()'),
)

a_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


@pytest.fixture(scope="module")
def house() -> list[Module]:
    """Every Python file of ours, as it is now."""
    tops = ("services", "shared", "tests", "benchmarks")
    files = sorted(file for top in tops for file in (ROOT / top).rglob("*.py"))
    return [Module(file.relative_to(ROOT).as_posix(), file.read_text("utf-8")) for file in files]


@a_rule
def test_the_house_keeps_its_floor_plan(rule: Rule, house: list[Module]) -> None:
    faults = list(rule(house))
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_a_planted_fault_is_found(rule: Rule, path: str, text: str) -> None:
    (fault,) = rule([Module(path, text)])
    place, _, rest = fault.partition(": ")
    what, _, remedy = rest.partition("; ")
    assert re.fullmatch(re.escape(path) + r":\d+", place)
    assert what
    assert remedy


@a_rule
def test_what_is_allowed_is_let_through(rule: Rule) -> None:
    assert list(rule(ALLOWED)) == []


def test_a_room_off_the_plan_is_no_way_round_an_arrow() -> None:
    handlers = Module("services/intake/handlers.py", "from services.intake.desk import open_desk")
    desk = Module("services/intake/desk.py", "from services.intake.api import routes")
    (fault,) = rules.arrows_point_down([handlers, desk])
    assert fault.startswith("services/intake/handlers.py:1: handlers reaches api")


def test_a_room_off_the_plan_is_no_way_round_purity() -> None:
    rule_book = Module("services/intake/decider.py", "from services.intake.dates import today")
    dates = Module("services/intake/dates.py", "import asyncio")
    (fault,) = rules.pure_rooms_import_only_what_is_pure([rule_book, dates])
    assert fault.startswith("services/intake/dates.py:1: dates is pure and imports asyncio")


def test_the_read_side_is_where_it_is_said_to_be(house: list[Module]) -> None:
    texts = {module.path: module.text for module in house}
    for path, let_through in rules.READ_SIDE.items():
        assert not {name for name in let_through if f"def {name}(" not in texts[path]}, path
    assert not rules.KEEPS_THEM - texts.keys()
    assert "Scope(" in texts[rules.SCOPES_ARE_MADE_IN]


def test_no_rule_goes_without_a_planted_fault() -> None:
    public = {name for name, _ in inspect.getmembers(rules, inspect.isfunction) if not name.startswith("_")}
    assert public == {rule.__name__ for rule in RULES}
