"""Where an audit reads: copies that running services make, the files of a house at rest, or PostgreSQL.

An SQLite file is opened by its own service only. While a house runs, each service is asked for a copy; while none
does, the house's own lock keeps one from starting. On PostgreSQL each schema is read in a snapshot.

Downstream first: what is older cannot have seen more than what is read after it. The circle of intake, which hears
referral, which hears intake, is cut by a look at where referral stands before intake is read, and one after.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import httpx

from services.house import read_card
from services.verify.audit import Sources
from services.verify.copies import Copies
from services.verify.standing import standing
from services.verify.stores import CannotVerify, Store, postgres_store, sqlite_store
from services.verify.topics import Bus, read_bus
from shared.bus_address import BUS_FAILURES
from shared.settings import Settings

LOOK_S_MAX = 2.0
_SERVICES = ("intake", "referral", "stats")

Open = Callable[[str], AbstractContextManager[Store]]
"""The name of a service -> its database as it is now."""


@contextmanager
def opened(settings: Settings, stop: Event) -> Iterator[Sources]:
    """Everything that is audited, for as long as the block runs. Raises `CannotVerify`."""
    with ExitStack() as stack:
        if settings.database_url.startswith("postgresql"):
            card = read_card(settings.data)
            yield _in_order(stack, _bus(settings, card), lambda name: postgres_store(settings.database_url, name, stop))
            return
        lock = stack.enter_context(_locked(settings.data))
        card = read_card(settings.data)
        if card is not None and (lock is None or _answers(card)):
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="verify-", dir=settings.data.absolute())))
            copies = Copies(card, settings.house_key or "", folder, stop)
            yield _in_order(stack, _bus(settings, card), copies.open)
        elif lock is None:
            raise CannotVerify(f"the house in {settings.data} is just starting or stopping: try again in a moment")
        else:
            files = settings.data.absolute()
            # A card that nobody answers for was left by a house that was killed; its bus is gone with it.
            yield _in_order(stack, _bus(settings, None), lambda name: sqlite_store(files / f"{name}.sqlite3", stop))


def _in_order(stack: ExitStack, bus: Bus, open_store: Open) -> Sources:
    stats = stack.enter_context(open_store("stats"))
    stats_stood = standing("stats", stats, has_log=False)
    with open_store("referral") as before:
        referral_before = standing("referral", before)
    intake = stack.enter_context(open_store("intake"))
    intake_stood = standing("intake", intake)
    referral = stack.enter_context(open_store("referral"))
    return Sources(bus, stats, stats_stood, referral_before, intake, intake_stood, referral)


@contextmanager
def _locked(data: Path) -> Iterator[object | None]:
    """Keep a house from starting in this folder; None where one runs."""
    if not data.is_dir():
        raise CannotVerify(f"there is no folder {data}: no house has run there yet")
    with (data / "house.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield None
        else:
            yield lock


def _answers(card: dict[str, Any]) -> bool:
    """Services whose house was killed may live on, and then their files are theirs."""
    for name in _SERVICES:
        try:
            httpx.get(f"{card['services'][name]['url']}/health/live", timeout=LOOK_S_MAX, trust_env=False)
        except httpx.HTTPError:
            continue
        return True
    return False


def _bus(settings: Settings, card: dict[str, Any] | None) -> Bus:
    url = card["bus"]["url"] if card else settings.redis_url
    if not url:
        return Bus(absent="not looked at: no house is running")
    try:
        return read_bus(url)
    except BUS_FAILURES as error:
        return Bus(silent=f"the bus does not answer: {type(error).__name__}")
