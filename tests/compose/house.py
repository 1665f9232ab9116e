"""A house in containers, as `compose.yaml` describes it: brought up, asked, hurt, taken down."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from shared.client import NotSwapped, SwappedToken
from tests.compose.images import HOUSE, ROOT, SERVERS
from tests.compose.podman import Podman, PodmanFailed, run

PORTS = ("INTAKE", "REFERRAL", "STATS", "INTAKE_2", "REFERRAL_2", "STATS_2", "BI", "PROMETHEUS")
SERVERS_FIRST = ("valkey", "postgres")
SERVICES = ("intake", "referral", "stats", "intake-2", "referral-2", "stats-2")
PROFILES = ("scale", "bi", "operate", "observe")
WAIT_S_MAX = 90.0

Seen = TypeVar("Seen")


class ComposedHouse:
    """One project of podman-compose, with free ports and secrets of its own."""

    def __init__(self, podman: Podman, folder: Path) -> None:
        self.podman = podman
        self.project = f"maison-{uuid4().hex[:8]}"
        self.secrets = folder / "secrets"
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self._clients: list[httpx.Client] = []
        self.posted = 0
        """Visits that were acknowledged."""
        self._environment = {
            **podman.environment,
            "HOUSE_IMAGE": HOUSE,
            **{f"{name}_IMAGE": SERVERS for name in ("VALKEY", "POSTGRES", "SOCAT", "PROMETHEUS")},
            "SECRETS_FOLDER": str(self.secrets),
            **{f"{name}_PORT": str(port) for name, port in self.ports.items()},
        }

    def open(self) -> None:
        """Bring everything up in the order that `depends_on` asks for: this podman does not wait for health itself."""
        run([sys.executable, "-m", "services.secret_files", self.secrets], os.environ, 60)
        self.start(*SERVERS_FIRST)
        for name in SERVERS_FIRST:
            until(lambda name=name: self.is_healthy(name), f"{name} is healthy")  # type: ignore[misc]
        self.start("migrations")
        assert self.podman("wait", self.container("migrations")).strip() == "0"
        self.start(*SERVICES, "bi")
        for name in SERVICES:
            until(lambda name=name: self.is_ready(name), f"{name} is ready")  # type: ignore[misc]
        # What Prometheus shows at the door is made by the house that it watches.
        (self.secrets / "metrics_token").write_text(self.maison("token", "create", "--role", "operations").strip())
        self.start("prometheus")

    def close(self) -> None:
        """Take everything down; what a broken start left as well."""
        for client in self._clients:
            client.close()
        # What it leaves is removed below.
        with suppress(PodmanFailed):
            self.compose("down", "--volumes", "--timeout", "5")
        self.podman.clear(self.project)

    def start(self, *names: str) -> None:
        """Make containers and start them."""
        self.compose("up", "--detach", "--no-build", "--no-deps", *names)

    def compose(self, *words: str) -> str:
        """Say something to podman-compose, with every profile."""
        profiles = [word for profile in PROFILES for word in ("--profile", profile)]
        program = [sys.executable, "-m", "podman_compose", "--in-pod", "false"]
        place = ["-p", self.project, "-f", str(ROOT / "compose.yaml"), *profiles]
        return run([*program, *place, *words], self._environment, 180)

    def maison(self, *words: str) -> str:
        """What the house's command line prints, in a container of its own."""
        return self.compose("run", "--rm", "--no-deps", "-T", "maison", *words)

    def last_words(self) -> str:
        """The end of what each part has said."""
        return self.compose("logs", "--tail", "15")

    def container(self, name: str) -> str:
        """A part's container, by its name."""
        return f"{self.project}_{name}_1"

    def within(self, name: str, *words: str) -> str:
        """Run something inside a container."""
        return self.podman("exec", self.container(name), *words)

    def state(self, name: str) -> dict[str, Any]:
        """What podman knows of a container."""
        found: list[dict[str, Any]] = json.loads(self.podman("inspect", self.container(name)))
        return found[0]

    def kill(self, name: str) -> None:
        """Kill the main process of a container, as a crash would."""
        os.kill(self.state(name)["State"]["Pid"], signal.SIGKILL)

    def is_healthy(self, name: str) -> bool:
        """Whether the container's own health check succeeds now."""
        return self.podman.succeeds("healthcheck", "run", self.container(name))

    def url(self, name: str) -> str:
        """Where a service answers on this machine."""
        return f"http://127.0.0.1:{self.ports[name.upper().replace('-', '_')]}"

    def is_ready(self, name: str) -> bool:
        """Whether a service hears its topics."""
        try:
            return httpx.get(f"{self.url(name)}/health/ready", timeout=20).is_success
        except httpx.TransportError:
            return False

    def reads(self, name: str) -> set[tuple[str, int]]:
        """The partitions that a replica reads; none while nobody answers."""
        try:
            told = httpx.get(f"{self.url(name)}/health/ready", timeout=20).json()
        except (httpx.TransportError, ValueError):
            return set()
        return {(each["topic"], each["partition"]) for each in told.get("subscribers", ()) if each["owned"]}

    def watched(self, what: str) -> list[dict[str, Any]]:
        """What Prometheus answers to an expression; nothing while it is not there."""
        try:
            answer = httpx.get(f"{self.url('prometheus')}/api/v1/query", params={"query": what}, timeout=20)
        except httpx.TransportError:
            return []
        found: list[dict[str, Any]] = answer.json()["data"]["result"] if answer.is_success else []
        return found

    @cached_property
    def desk(self) -> httpx.Client:
        """A front desk, let in by a token."""
        return self._client("front_desk")

    @cached_property
    def office(self) -> httpx.Client:
        """Somebody who reads figures."""
        return self._client("statistics")

    def _client(self, role: str) -> httpx.Client:
        token = self.maison("token", "create", "--role", role).strip()
        client = httpx.Client(auth=SwappedToken(self.url("intake"), token), timeout=60)
        self._clients.append(client)
        return client

    def post(self, count: int, at: str = "intake") -> None:
        """Record visits, each until it is acknowledged, however often that takes."""
        for _ in range(count):
            key = str(uuid4())
            until(lambda key=key: self._recorded(at, key), "a visit is recorded")  # type: ignore[misc]
            self.posted += 1

    def _recorded(self, at: str, key: str) -> bool:
        body = {"requests": [{"category": "housing"}]}
        try:
            answer = self.desk.post(f"{self.url(at)}/visits", json=body, headers={"Idempotency-Key": key})
        except (httpx.TransportError, NotSwapped):
            return False
        assert answer.status_code in {201, 429, 500, 502, 503, 504}, answer.text
        return answer.status_code == 201

    def counted(self, what: str = "visits", at: str = "stats") -> int | None:
        """How many there are by the figures; None while nobody answers."""
        try:
            answer = self.office.get(f"{self.url(at)}/stats/{what}")
        except (httpx.TransportError, NotSwapped):
            return None
        return sum(row["count"] for row in answer.json()["rows"]) if answer.is_success else None

    def agrees(self) -> bool:
        """Whether the figures hold every visit and every referral, at either replica."""
        return all(
            self.counted(what, at) == self.posted for what in ("visits", "referrals") for at in ("stats", "stats-2")
        )

    def verified(self) -> dict[str, Any]:
        """What the independent auditor says."""
        told: dict[str, Any] = json.loads(self.maison("verify", "--json"))
        return told


@contextmanager
def composed_house(podman: Podman, folder: Path) -> Iterator[ComposedHouse]:
    """A house, up for as long as the block lasts."""
    house = ComposedHouse(podman, folder)
    try:
        house.open()
        yield house
    except BaseException:
        sys.stderr.write(house.last_words())
        raise
    finally:
        house.close()


def until(look: Callable[[], Seen], what: str, wait_s: float = WAIT_S_MAX) -> Seen:
    """What `look` answers, as soon as it is true."""
    give_up = time.monotonic() + wait_s
    while not (found := look()):
        assert time.monotonic() < give_up, f"it never came to this: {what}"
        time.sleep(0.3)
    return found


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]
