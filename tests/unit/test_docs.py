"""What the pages must say: every command, setting, crash point and check; and every link must lead somewhere."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup, TyperOption

from services.__main__ import app
from services.referral import links, timer
from services.referral.pages import csv_export
from services.stats.bi import role
from services.verify import verify
from shared import rebuild
from shared.access import door, streams
from shared.catalogue import K_DEFAULT, K_MIN
from shared.failpoints import FAILPOINTS, VARIABLE
from shared.log import log
from shared.migrations import migrate
from shared.partitions import PARTITIONS_POSTGRESQL
from shared.relay import copy, readers, relay
from shared.settings import Settings
from shared.subscription import hearing, ownership, subscription
from shared.web import bounded

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
OPERATIONS = (DOCS / "operations.md").read_text()
PAGES = sorted(DOCS.rglob("*.md"))
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
OF_TESTS = {
    "MAISON_TEST_DATABASE_URL",
    "MAISON_TEST_CHROMIUM",
    "MAISON_TEST_FAKETIME",
    "MAISON_SOAK_SEED",
    "MAISON_SOAK_MINUTES",
}
WRITTEN = [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES]
DECISION_LINES_MAX = 40

# What a page says of a bound, and the bound itself.
BOUNDS = (
    ("log.md", "up to {:,} (`GATHERED_MAX`)", log.GATHERED_MAX),
    ("log.md", "{} on PostgreSQL. A key's", PARTITIONS_POSTGRESQL),
    ("relay.md", "{} entries (`ENTRIES_MAX`)", copy.ENTRIES_MAX),
    ("relay.md", "newest {:,} entries (`QUEUE_KEPT`)", relay.QUEUE_KEPT),
    ("relay.md", "{} s (`SILENCE_S_MAX`)", readers.SILENCE_S_MAX),
    ("subscriptions.md", "{:,} entries at once, `BATCH_MAX`", hearing.BATCH_MAX),
    ("subscriptions.md", "{} times (`TRIES_MAX`)", subscription.TRIES_MAX),
    ("subscriptions.md", "{:.0f} s at most (`BACKOFF_S_MAX`)", subscription.BACKOFF_S_MAX),
    ("subscriptions.md", "{:.0f} s (`WELL_S_MAX`)", hearing.WELL_S_MAX),
    ("subscriptions.md", "{:.0f} s (`LEASE_S`)", ownership.LEASE_S),
    ("deadlines.md", "up to {} (`BATCH_MAX`)", timer.BATCH_MAX),
    ("links.md", "{} days (`LINK_DAYS`)", links.LINK_DAYS),
    ("bi.md", "for {} s a statement", role.STATEMENT_S_MAX),
    ("bi.md", "at most {} connections", role.CONNECTIONS_MAX),
    ("publications.md", "The threshold is {}, and", K_DEFAULT),
    ("publications.md", "never below {}:", K_MIN),
    ("partner-files.md", "{} rows (`CHUNK_ROWS`)", csv_export.CHUNK_ROWS),
    ("deadlines.md", "{:.0f} s (`LOOK_EVERY_S_MAX`)", timer.LOOK_EVERY_S_MAX),
    ("deadlines.md", "{:.0f} s (`RETRY_S`)", timer.RETRY_S),
    ("deadlines.md", "{:.0f} s (`STALLED_S`)", timer.STALLED_S),
    ("figures.md", "{:,} events apart (`CLOSE_ENOUGH`)", rebuild.CLOSE_ENOUGH),
    ("access.md", "{:.0f} seconds (`FRESH_S`)", door.FRESH_S),
    ("access.md", "every {:.0f} seconds (`LOOK_AGAIN_S`)", streams.LOOK_AGAIN_S),
    ("access.md", "within {:.0f} s (`READ_S_MAX`; 408)", bounded.READ_S_MAX),
)

_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links_of(page: Path) -> list[str]:
    return _LINK.findall(_FENCED.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made of their words."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(group, TyperGroup):
        for name, command in group.commands.items():
            yield from commands(command, *path, name)
    else:
        yield " ".join(path), group


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_documented_with_its_options(command: str) -> None:
    assert f"`maison {command}" in OPERATIONS
    for parameter in COMMANDS[command].params:
        if isinstance(parameter, TyperOption):
            assert any(option in everything() for option in parameter.opts), parameter.opts


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_a_command_that_a_page_names_exists(page: Path) -> None:
    for words in re.findall(r"(?:`|bin/)maison ([a-z][a-z -]*[a-z])", page.read_text()):
        assert any(f"{words} ".startswith(f"{command} ") for command in COMMANDS), words


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_a_word_of_make_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`(?:SERVE=1 )?make ([a-z]+)", page.read_text())) <= targets


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_each_setting_is_documented(setting: str) -> None:
    assert f"| `MAISON_{setting.upper()}` |" in OPERATIONS


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_a_setting_that_a_page_names_exists(page: Path) -> None:
    known = {f"MAISON_{name.upper()}" for name in Settings.model_fields} | {VARIABLE, *OF_TESTS}
    assert set(re.findall(r"\bMAISON_[A-Z_]+\b", page.read_text())) <= known


@pytest.mark.parametrize(("page", "said", "bound"), BOUNDS)
def test_a_bound_is_told_as_it_is(page: str, said: str, bound: float) -> None:
    assert said.format(bound) in (DOCS / page).read_text()


def test_the_crash_points_documented_are_the_ones_there_are() -> None:
    table = OPERATIONS[OPERATIONS.index("## Crash points") :]
    assert sorted(re.findall(r"`([a-z-]+\.[a-z-]+)`", table)) == sorted(FAILPOINTS)


async def test_the_checks_documented_are_those_that_are_made(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    for name in ("intake", "referral", "stats"):
        schema = import_module(f"services.{name}.app").SCHEMA
        migrate(settings.database(name), name, schema.versions, schema.newest)
    made = [check["name"] for check in (await verify(settings))["checks"]]
    assert re.findall(r"^\| `(\w+)` \|", (DOCS / "verify.md").read_text(), re.MULTILINE) == made


@pytest.mark.parametrize("page", [page for page in PAGES if page != INDEX], ids=name_of)
def test_each_page_is_linked_from_the_index(page: Path) -> None:
    assert str(page.relative_to(DOCS)) in links_of(INDEX)


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_each_link_leads_somewhere(page: Path) -> None:
    for link in links_of(page):
        if not link.startswith(("https://", "http://")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target / "README.md" if target.is_dir() else target), link


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_a_decision_is_called_by_its_number(page: Path) -> None:
    called = re.findall(r"\[(?:decision )?(\d+)\]\([^)]*?(\d{4})-[^)]*\)", page.read_text())
    assert all(int(number) == int(file) for number, file in called)


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("decision", DECISIONS, ids=name_of)
def test_a_decision_is_short_and_says_when_to_think_again(decision: Path) -> None:
    text = decision.read_text()
    assert text.startswith(f"# {int(decision.name[:4])}. ")
    assert len(text.splitlines()) <= DECISION_LINES_MAX
    assert re.search(r"^\*\*Revisit when\*\* \S.+\.$", text, re.MULTILINE)


def everything() -> str:
    return "".join(page.read_text() for page in PAGES)
