"""A house with two replicas of each service: some die, one freezes, and every figure is exact in the end."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from services import SERVICES
from tests.auditing import History
from tests.servers import Valkey
from tests.system.desks import Desks
from tests.system.finding_out import audited
from tests.system.partners import at_work
from tests.system.place import Place, until
from tests.system.premises import Premises, open_premises

PARTITIONS = 32
"""Of the two topics that stats hears."""


@pytest.fixture
def premises(postgres_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Premises]:
    """The three services on PostgreSQL."""
    with open_premises(tmp_path / "house", valkey.url, postgres_url) as opened:
        yield opened


@pytest.fixture
def annexe(premises: Premises, postgres_url: str, valkey: Valkey, tmp_path: Path) -> Iterator[Premises]:
    """Second processes of the same house: nothing runs yet."""
    opened = Premises(tmp_path / "annexe", valkey.url, postgres_url)
    try:
        yield opened
    finally:
        opened.close()


@asynccontextmanager
async def at_desks(premises: Premises, annexe: Premises, history: History) -> AsyncIterator[Desks]:
    """Visits are recorded at both replicas of intake, and referrals answered."""
    desks, others = (Desks(each.place.urls["intake"], history, seed) for seed, each in enumerate((premises, annexe)))
    async with at_work(premises.place, history), desks.open(2), others.open(2):
        yield desks


async def shares(place: Place, client: httpx.AsyncClient) -> list[tuple[str, int]]:
    """The partitions that this process of stats reads."""
    try:
        readers = (await client.get(f"{place.urls['stats']}/health/ready")).json().get("subscribers", [])
    except (httpx.TransportError, ValueError):
        return []
    return [(reader["topic"], reader["partition"]) for reader in readers if reader["owned"]]


async def until_shared(client: httpx.AsyncClient, *replicas: Premises) -> None:
    """Wait until each partition is read by exactly one of them, and each reads some."""

    async def are_shared() -> bool:
        read = [await shares(each.place, client) for each in replicas]
        together = [place for share in read for place in share]
        return all(read) and len(together) == len(set(together)) == PARTITIONS

    await until(are_shared, "the partitions are shared")


async def until_served(desks: Desks, visits: int) -> None:
    """Wait until so many more visits are recorded."""
    wanted = desks.acknowledged + visits

    async def are_served() -> bool:
        return desks.acknowledged >= wanted

    await until(are_served, "visits are recorded")


@pytest.mark.timeout(300)  # eleven processes, where two processors may be all there is
async def test_a_house_of_two_replicas_stays_exact_while_some_are_killed_and_frozen(
    premises: Premises, annexe: Premises, postgres_url: str, tmp_path: Path
) -> None:
    history = History()
    async with httpx.AsyncClient(timeout=60) as client:
        await premises.place.ready(client)
        # Processes of one house share its keys; the first of them has made them.
        for key in premises.place.data.glob("*.key"):
            copyfile(key, annexe.place.data / key.name)
        for service in SERVICES:
            annexe.start(service)
        await annexe.place.ready(client)
        async with at_desks(premises, annexe, history) as desks:
            await until_shared(client, premises, annexe)
            await until_served(desks, 20)
            await premises.kill("stats")
            await annexe.kill("referral")
            await until_shared(client, annexe)
            premises.start("stats")
            await until_shared(client, premises, annexe)
            with frozen(annexe, "stats"):
                await until_shared(client, premises)
                await until_served(desks, 20)
            # It wakes up believing that it reads its part, and finds itself overtaken.
            await until_shared(client, premises, annexe)
            await until_served(desks, 20)
    assert not await audited(premises.place, history, kept_as=tmp_path / "history.jsonl")
    for service in ("intake", "referral"):
        for count, last, head in positions(postgres_url, service):
            assert count == last == head


@contextmanager
def frozen(premises: Premises, service: str) -> Iterator[None]:
    """A process stands still; its connections stay open."""
    pid = premises._pids[service]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def positions(url: str, service: str) -> list[Any]:
    """Of each partition with events: how many, the last position, the counter."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, options=f"-c search_path={service}") as connection:
        return connection.execute(
            "SELECT count(*), max(position), max(head) FROM events JOIN partitions USING (partition) GROUP BY partition"
        ).fetchall()
