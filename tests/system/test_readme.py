"""The README's examples, run as they stand there against a house of the test's own, on free ports."""

import asyncio
import json
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.caretaker import Caretaker
from services.demo.year import VISITS
from services.house import House, running
from shared.catalogue import load_catalogue
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
LAST_LINE = "the example has ended"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples are written for curl")
async def test_the_examples_of_the_readme_do_what_it_says(tmp_path: Path) -> None:
    async with running(House(Settings(data=tmp_path), free_ports=True)) as house, shell(tmp_path) as run:
        said = []
        for example in EXAMPLES:
            said.append(await example_of(house, run, example))
            await at_rest(house.settings)
        assert await example_of(house, run, EXAMPLES[0]) == said[0]
    recorded, read_back, queue_and_answer, figures, state = said

    (visit,) = documents(recorded)
    (shown,) = documents(read_back)
    assert shown["visit_id"] == visit["visit_id"]
    care, letter = shown["requests"]
    assert [referral["partner"] for referral in care["referrals"]] == ["p09"]
    assert letter["answered"]

    queue, accepted = documents(queue_and_answer)
    assert [item["visit_id"] for item in queue["items"]] == [visit["visit_id"]]
    assert accepted["referral_id"] == care["referrals"][0]["referral_id"]
    assert accepted["status"] == "accepted"

    by_category, by_status = documents(figures)
    assert {row["category"]: row["count"] for row in by_category["rows"]} == {"administrative": 1, "health": 1}
    assert by_status["rows"] == [{"status": "accepted", "count": 1}]

    assert "events in the logs: intake 2" in state
    assert "All is well" in state


def test_the_readme_shows_the_addresses_that_a_house_has_if_nobody_says_otherwise() -> None:
    addresses = "  ".join(f"{name} {url}" for name, url in House(Settings()).urls.items())
    assert f"The house is open: {addresses}" in README


def test_the_readme_counts_visits_and_partners_as_the_demo_does() -> None:
    assert f"{VISITS:,} visits" in README
    assert len(load_catalogue(Settings().house_file).partners) == 18
    assert "eighteen organisations" in README


@asynccontextmanager
async def shell(data: Path) -> AsyncIterator[Process]:
    """A shell that ends at the first command that fails, in the project's folder, for the house in `data`."""
    process = await asyncio.create_subprocess_exec(
        "sh", "-eu", cwd=ROOT, env={**os.environ, "MAISON_DATA": str(data)}, stdin=PIPE, stdout=PIPE
    )
    try:
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()


async def example_of(house: House, shell: Process, example: str) -> str:
    """What an example prints, with the addresses of this house and the `maison` of this environment."""
    for name, url in House(Settings()).urls.items():
        example = example.replace(url, house.urls[name])
    example = example.replace(".venv/bin/maison", f"'{sys.executable}' -m services")
    assert shell.stdin
    assert shell.stdout
    shell.stdin.write(f"{example}echo '{LAST_LINE}'\n".encode())
    lines: list[str] = []
    async for line in shell.stdout:
        if line.decode() == f"{LAST_LINE}\n":
            return "".join(lines)
        lines.append(line.decode())
    raise AssertionError(f"the shell ended in the middle of an example, after {lines}")


async def at_rest(settings: Settings) -> None:
    """Wait until everybody has heard everything, as a reader's eyes on the next lines do."""
    caretaker, before = Caretaker(settings), None
    while True:
        status = await caretaker.status()
        if status == before and not any(reader["lag_events"] for reader in status["subscribers"]):
            return
        before = status
        await asyncio.sleep(0.05)


def documents(text: str) -> list[Any]:
    """The JSON documents that were printed, one a line."""
    return [json.loads(line) for line in text.splitlines()]
