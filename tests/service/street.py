"""The three services behind real ports, in a thread of this process: a street that tests walk along."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
import uvloop
from starlette.types import ASGIApp

from services.intake.app import build as build_intake
from services.referral.app import build as build_referral
from services.stats.app import build as build_stats
from shared.settings import Settings
from shared.web.bounded import BoundedReading
from tests.servers import Valkey

BUILD: Mapping[str, Callable[[Settings], tuple[Any, ASGIApp]]] = {
    "intake": build_intake,
    "referral": build_referral,
    "stats": build_stats,
}
WAIT_S_MAX = 60.0

Seen = TypeVar("Seen")


class Server(uvicorn.Server):
    """Leaves the signals to the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Street:
    """The services of one house: a client and an address for each."""

    bus: Valkey
    ports: dict[str, int] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)
    key: str = ""
    _clients: dict[str, httpx.Client] = field(default_factory=dict)
    # Of two threads that ask for a client at once, one would be given a client that nobody closes.
    _opening: threading.RLock = field(default_factory=threading.RLock)

    def url(self, service: str) -> str:
        """Where a service answers."""
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def intake(self) -> httpx.Client:
        return self._client("intake")

    @property
    def referral(self) -> httpx.Client:
        return self._client("referral")

    @property
    def stats(self) -> httpx.Client:
        return self._client("stats")

    def _client(self, service: str) -> httpx.Client:
        return self._opened(service, service, dict)

    def _opened(self, name: str, service: str, headers: Callable[[], dict[str, str]]) -> httpx.Client:
        with self._opening:
            if name not in self._clients:
                # No authorities: to load those that a client of plain HTTP never asks takes longer than a test.
                client = httpx.Client(base_url=self.url(service), timeout=20, headers=headers(), verify=False)
                self._clients[name] = client
            return self._clients[name]

    def token(self, role: str, **scope: Any) -> str:
        """A token for a role, made as the house's own command line makes one."""
        issued: dict[str, str] = self.ask_house("tokens", {"role": role, **scope})
        return issued["token"]

    def ask_house(self, what: str, body: dict[str, Any]) -> Any:
        """Ask intake's own care, with the house's key."""
        answer = self.intake.post(f"/internal/{what}", json=body, headers={"X-House-Key": self.key})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def as_role(self, role: str, service: str = "intake", **scope: Any) -> httpx.Client:
        """A client that shows a token of this role."""
        return self._opened(f"{service}/{role}/{scope}", service, lambda: self.shown(role, **scope))

    def shown(self, role: str, **scope: Any) -> dict[str, str]:
        """What a machine of this role shows: a token, or what a desk swaps its own for."""
        token = {"Authorization": f"Bearer {self.token(role, **scope)}"}
        if role != "front_desk":
            return token
        answer = self.nobody().post("/session/token", headers=token)
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    def nobody(self, service: str = "intake") -> httpx.Client:
        """A client that shows nothing and remembers nothing."""
        client = self._opened(f"{service}/nobody", service, dict)
        client.cookies.clear()
        return client

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def record(self, *categories: str, **more: Any) -> dict[str, Any]:
        """Record a visit with one request a category."""
        body = {"requests": [{"category": category} for category in categories], **more}
        answer = self.intake.post("/visits", json=body)
        assert answer.status_code == 201, answer.text
        recorded: dict[str, Any] = answer.json()
        return recorded

    def referrals_of(self, visit_id: str) -> list[dict[str, Any]]:
        """The referrals of a visit, once each of its requests has one."""

        def all_there() -> list[dict[str, Any]]:
            requests = self.intake.get(f"/visits/{visit_id}").json()["requests"]
            found = [referral for request in requests for referral in request["referrals"]]
            return found if all(request["referrals"] for request in requests) else []

        return until(all_there)

    def referred(self, category: str, partner: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A visit that wishes for a partner, and its referral: at every hour, whoever could be met sooner."""
        visit = self.record(requests=[{"category": category, "partner": partner}], **more)
        (referral,) = self.referrals_of(visit["visit_id"])
        assert referral["partner"] == partner
        return visit, referral

    def recorded(self) -> int:
        """How many events stand in intake's log: nothing stored = it does not move."""
        answer = self.intake.post("/visits", json={"requests": [{"category": "administrative", "answered": True}]})
        position: int = answer.json()["position"]
        return position


def until(look: Callable[[], Seen], wait_s: float = WAIT_S_MAX) -> Seen:
    """What `look` answers, as soon as it is true."""
    give_up = time.monotonic() + wait_s
    while not (found := look()):
        assert time.monotonic() < give_up, "it never came"
        time.sleep(0.02)
    return found


@contextlib.contextmanager
def open_street(folder: Path, bus: Valkey, **settings_: Any) -> Iterator[Street]:
    """Serve all three until the block ends."""
    street = Street(bus, key="the-key-of-this-street")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "house.key").write_text(street.key)
    with contextlib.ExitStack() as sockets:
        listening = {name: sockets.enter_context(socket.create_server(("127.0.0.1", 0))) for name in BUILD}
        street.ports = {name: each.getsockname()[1] for name, each in listening.items()}
        ports: dict[str, Any] = {f"{name}_port": port for name, port in street.ports.items()}
        settings = Settings(data=folder, redis_url=bus.url, **ports, **settings_)

        async def serve_all() -> None:
            for name, build in BUILD.items():
                own = settings.model_copy(update={"redis_url": bus.url_of(name)})
                config = uvicorn.Config(
                    build(own)[1], http=BoundedReading, ws="none", log_config=None, timeout_graceful_shutdown=1
                )
                street.servers[name] = Server(config)
            await asyncio.gather(*(server.serve(sockets=[listening[name]]) for name, server in street.servers.items()))

        thread = threading.Thread(target=lambda: uvloop.run(serve_all()), name="street")
        thread.start()
        try:
            for name in BUILD:
                until(partial(is_ready, street.url(name)))
            yield street
        finally:
            street.close()
            for server in street.servers.values():
                server.should_exit = True
            thread.join(timeout=30)
            assert not thread.is_alive(), "a service did not stop"


def is_ready(url: str) -> bool:
    """Whether the service hears its topics."""
    try:
        return httpx.get(f"{url}/health/ready", timeout=5, verify=False).status_code == 200
    except httpx.TransportError:
        return False
