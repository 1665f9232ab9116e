"""The house on one machine: Valkey and the three services as processes, started, watched and stopped together."""

import asyncio
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from services import SERVICES
from services.locking import RESTORING, take_lock
from services.nursery import Nursery
from shared.settings import Settings
from shared.valkey import command, find_binary, socket_path, stop_forgotten
from shared.whole_files import make_once, put

READY_S_MAX = 60.0
READY_ANSWER_S_MAX = 5.0
STARTS_MAX = 3
"""A part that ends this often before the house is ready will not come up by being tried again."""
STOP_S_MAX = 15.0
LOOK_EVERY_S = 0.05
RESTART_AFTER_S = (0.1, 0.5, 2.0, 5.0)
"""A process that keeps dying is started again, ever more slowly."""
STEADY_S = 30.0
CARD_MODE = 0o644
"""Where things are is no secret: whoever looks after the machine may ask for it."""
FREE_PORTS = range(20_000, 32_000)
"""Below what Linux (32768) and macOS (49152) give to those who call out."""


class HouseOccupied(RuntimeError):
    """Another house runs on this data folder."""


class HouseFailed(RuntimeError):
    """The house did not come up."""


class _Process(Protocol):
    """What the house needs of a process, however it was started."""

    @property
    def pid(self) -> int | None: ...
    def poll(self) -> int | None:
        """The exit status; None while it runs."""


class _Forked:
    """A service, born in the nursery."""

    def __init__(self, nursery: Nursery, name: str, environment: Mapping[str, str]) -> None:
        self._nursery = nursery
        self.pid: int | None = nursery.fork(name, environment)

    def poll(self) -> int | None:
        return self._nursery.poll(self.pid) if self.pid else None


@dataclass
class _Part:
    """One process that the house keeps alive. `command` None: a service, forked."""

    name: str
    environment: Mapping[str, str]
    command: Sequence[str] | None = None
    process: _Process | None = None
    started_at: float = 0.0
    failures: int = 0
    due_at: float = field(default=0.0)


class House:
    """Runs a house in one data folder. One at a time: the folder is locked."""

    def __init__(self, settings: Settings, *, free_ports: bool = False) -> None:
        self.settings = settings
        self._data = settings.data.absolute()
        ports = _free_ports(len(SERVICES)) if free_ports else [settings.port(name) for name in SERVICES]
        self.ports = dict(zip(SERVICES, ports, strict=True))
        self.urls = {name: f"http://{settings.host}:{self.ports[name]}" for name in SERVICES}
        self._parts: list[_Part] = []
        self._lock: IO[str] | None = None
        self._nursery: Nursery | None = None
        self._watching: asyncio.Task[None] | None = None
        self._bus_url = settings.redis_url

    async def start(self) -> None:
        """Start everything and wait until it is ready. Raises `HouseOccupied` or `HouseFailed`."""
        try:
            self._occupy()
            self._plan()
            for part in self._parts:
                await asyncio.to_thread(self._launch, part)
            self._write_card()
            self._watching = asyncio.create_task(self._watch())
            await self._until_ready()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything, the services first, and give the folder free."""
        if self._watching:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        services = [part for part in self._parts if part.name in SERVICES]
        bus = [part for part in self._parts if part.name not in SERVICES]
        for group in (services, bus):
            await asyncio.gather(*(_end(part) for part in group))
        self._parts.clear()
        if self._nursery:
            await asyncio.to_thread(self._nursery.close)
            self._nursery = None
        if self._lock:
            card_path(self._data).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _occupy(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        self._lock = take_lock(self._data)
        if self._lock is None:
            raise HouseOccupied(f"a house runs in {self._data} already: stop it, or name another folder in MAISON_DATA")
        if (self._data / RESTORING).exists():
            raise HouseFailed(f"a restore into {self._data} was broken off: run `maison restore` again")
        make_once(self._data / "house.key", lambda: secrets.token_urlsafe(32).encode())

    def _plan(self) -> None:
        if not self._bus_url:
            path = socket_path(self._data)
            stop_forgotten(path)
            path.unlink(missing_ok=True)
            self._bus_url = f"unix://{path}"
            self._parts.append(_Part("valkey", os.environ, command(find_binary(), path)))
        environment = {
            **os.environ,
            "MAISON_DATA": str(self._data),
            "MAISON_DATABASE_URL": self.settings.database_url,
            "MAISON_CATALOGUE": str(self.settings.catalogue.absolute()),
            "MAISON_HOST": self.settings.host,
            "MAISON_ACCESS": self.settings.access,
            "MAISON_HTTPS": str(self.settings.https),
            "MAISON_HOSTS": self.settings.hosts,
            "MAISON_PROXY": self.settings.proxy,
            "MAISON_REDIS_URL": self._bus_url,
            **{f"MAISON_{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
        }
        for name in SERVICES:
            self._parts.append(_Part(name, environment))

    def _launch(self, part: _Part) -> None:
        if part.command is None:
            if self._nursery is None or not self._nursery.is_alive():
                self._nursery = Nursery()
            part.process = _Forked(self._nursery, part.name, part.environment)
        else:
            part.process = _executed(part.command)
        part.started_at = time.monotonic()

    async def _watch(self) -> None:
        """Start again whatever dies."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for part in self._parts:
                if part.process is None:
                    if time.monotonic() >= part.due_at:
                        self._launch_again(part)
                elif (status := part.process.poll()) is not None:
                    steady = time.monotonic() - part.started_at > STEADY_S
                    part.failures = 0 if steady else part.failures
                    pause_s = RESTART_AFTER_S[min(part.failures, len(RESTART_AFTER_S) - 1)]
                    part.failures += 1
                    part.due_at, part.process = time.monotonic() + pause_s, None
                    sys.stderr.write(f"{part.name} ended with status {status}; starting it again\n")

    def _launch_again(self, part: _Part) -> None:
        try:
            self._launch(part)
        except OSError as error:
            # The nursery died while it was asked, or the machine has no process left: the next round tries again.
            part.due_at = time.monotonic() + RESTART_AFTER_S[-1]
            sys.stderr.write(f"{part.name} could not be started: {error}\n")
        else:
            self._write_card()

    async def _until_ready(self) -> None:
        until = time.monotonic() + READY_S_MAX
        for name in SERVICES:
            while not await asyncio.to_thread(_is_ready, self.settings.host, self.ports[name]):
                if time.monotonic() > until:
                    raise HouseFailed(f"{name} was not ready within {READY_S_MAX:.0f} s; its messages are above")
                if any(part.failures >= STARTS_MAX for part in self._parts):
                    failed = ", ".join(part.name for part in self._parts if part.failures >= STARTS_MAX)
                    raise HouseFailed(f"{failed} cannot start; the reason is above")
                await asyncio.sleep(LOOK_EVERY_S)

    def _write_card(self) -> None:
        """Say where everything is, for `maison status` and its like."""
        pids = {part.name: part.process.pid if part.process else None for part in self._parts}
        card = {
            "services": {name: {"pid": pids[name], "url": self.urls[name]} for name in SERVICES},
            "bus": {"pid": pids.get("valkey"), "url": self._bus_url},
        }
        put(card_path(self._data), json.dumps(card).encode(), CARD_MODE)


def card_path(data: Path) -> Path:
    """Where a running house says what it consists of."""
    return data / "house.json"


def read_card(data: Path) -> dict[str, Any] | None:
    """What the house that runs in this folder consists of; None when none does."""
    try:
        card: dict[str, Any] = json.loads(card_path(data).read_text())
    except FileNotFoundError:
        return None
    return card


@contextlib.asynccontextmanager
async def running(house: House) -> AsyncIterator[House]:
    """A house, up for as long as the block lasts."""
    await house.start()
    try:
        yield house
    finally:
        await house.stop()


async def _end(part: _Part) -> None:
    process = part.process
    if process is None or process.poll() is not None:
        return
    _signal(process, signal.SIGTERM)
    for _ in range(int(STOP_S_MAX / LOOK_EVERY_S)):
        if process.poll() is not None:
            return
        await asyncio.sleep(LOOK_EVERY_S)
    _signal(process, signal.SIGKILL)
    while process.poll() is None:  # noqa: ASYNC110 - another process tells us nothing
        await asyncio.sleep(LOOK_EVERY_S)


def _signal(process: _Process, number: signal.Signals) -> None:
    if process.pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _executed(command: Sequence[str]) -> _Process:
    # A session of its own: Ctrl-C reaches this process only, which then stops everything in the right order.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=READY_ANSWER_S_MAX)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, and that the system gives to nobody who calls out.

    A port of that kind would be lost to a service that dies: whoever calls it meanwhile can be given the very
    port that he is calling, and be connected to himself.
    """
    with contextlib.ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            port = FREE_PORTS.start + secrets.randbelow(len(FREE_PORTS))
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found.append(port)
        return found
