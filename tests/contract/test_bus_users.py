"""Each service lives its whole life as a user of its own, on Valkey and on Redis 7.0."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from services.verify.topics import read_bus
from shared.bus import connect
from shared.bus_users import NEEDS, OPERATIONS, Needs, rules
from shared.service import Service
from shared.settings import Settings
from tests.servers import ServerUnavailable
from tests.servers.guarded import KINDS, PASSWORDS, Guarded, running_guarded
from tests.servers.several import Several, running_cluster, running_sentinels
from tests.service.street import Street, open_street, until

SAID_OF_ITSELF = {"client|setinfo"}
"""The client tells newer servers its name; it goes on when that is refused."""


@pytest.fixture(params=KINDS, scope="module")
def guarded(request: pytest.FixtureRequest, settings_from_outside: object) -> Iterator[Guarded]:
    """Once Valkey, of the wheel, and once the Redis of the distribution."""
    with running_guarded(request.param) as server:
        yield server


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Service]:
    """The services that are wired together from now on."""
    found: list[Service] = []
    begin = Service.__init__

    def remembered(self: Service, *args: Any, **more: Any) -> None:
        begin(self, *args, **more)
        found.append(self)

    monkeypatch.setattr(Service, "__init__", remembered)
    return found


@pytest.mark.parametrize("service", NEEDS)
def test_a_users_rights_follow_from_what_its_service_tells_and_hears(
    service: str, tmp_path: Path, built: list[Service]
) -> None:
    import_module(f"services.{service}.app").build(Settings(data=tmp_path, redis_url="redis://localhost"))
    (wired,) = built
    hears = tuple(sorted({subscription.place.topic for subscription in wired.hearing.subscriptions}))
    queues = bool(wired.relay and wired.relay.with_queues)
    assert NEEDS[service] == Needs(tells=wired.log is not None, queues=queues, hears=hears)


def test_a_house_lives_its_whole_life_on_a_guarded_bus_and_its_auditor_reads_it(
    guarded: Guarded, tmp_path: Path
) -> None:
    guarded.flush()
    guarded.refused()
    with open_street(tmp_path, guarded) as street:
        visit = street.record("housing")
        assert answered(street, visit["visit_id"])
        first_of_queue(street, visit["visit_id"])
        assert "topic:referral:0" in read_bus(guarded.url_of(OPERATIONS)).topics
        # What a partner is shown comes from the log: the queue on the bus may be filled a little later.
        until(lambda: read_bus(guarded.url_of(OPERATIONS)).queues)
        guarded.flush()
        again = street.record("housing")
        assert answered(street, again["visit_id"])
        until(lambda: counted(street) == 2)
        rebuilt = httpx.post(f"{street.url('stats')}/internal/rebuild", headers={"X-House-Key": street.key}, timeout=60)
        assert rebuilt.status_code == 200, rebuilt.text
        assert counted(street) == 2
        # The relay drops what every reader has finished: it looks once a second.
        until(lambda: guarded.ask("EXISTS", "topic:intake:0") and not guarded.ask("XLEN", "topic:intake:0"))
    assert guarded.refused() <= SAID_OF_ITSELF


@contextmanager
def skipped_where_there_is_none() -> Iterator[None]:
    """Where the server of this machine cannot be one of several."""
    try:
        yield
    except ServerUnavailable as reason:
        pytest.skip(str(reason))


class SeveralGuarded:
    """Servers that know the users; their own administrator is whoever says nothing."""

    def __init__(self, several: Several) -> None:
        self.several, self.url = several, several.url
        for user, password in PASSWORDS.items():
            self.ask("ACL", "SETUSER", user, "on", f">{password}", "resetkeys", "resetchannels", "-@all", *rules(user))

    def url_of(self, service: str) -> str:
        return self.several.url.replace("://", f"://{service}:{PASSWORDS[service]}@")

    def ask(self, *words: str) -> list[Any]:
        """What each of the servers answers."""
        answers = []
        for node in self.several._servers:
            with node.client() as client:
                answers.append(client.execute_command(*words))
        return answers

    def refused(self) -> set[str]:
        """What any of them has refused to anybody."""
        return {entry[entry.index("object") + 1] for entries in self.ask("ACL", "LOG", "100") for entry in entries}


def test_a_house_lives_on_a_guarded_cluster(tmp_path: Path, settings_from_outside: object) -> None:
    with skipped_where_there_is_none(), running_cluster() as several:
        guarded = SeveralGuarded(several)
        with open_street(tmp_path, cast("Any", guarded)) as street:
            visit = street.record("housing")
            assert answered(street, visit["visit_id"])
            until(lambda: counted(street) == 1)
        assert guarded.refused() <= SAID_OF_ITSELF


async def test_a_user_finds_the_primary_by_its_sentinels(settings_from_outside: object) -> None:
    with skipped_where_there_is_none(), running_sentinels() as several:
        guarded = SeveralGuarded(several)
        client: Any = connect(guarded.url_of("stats"))
        try:
            assert await patiently(lambda: client.xread({"topic:intake:0": "0"})) == []
            with pytest.raises(NoPermissionError):
                await patiently(lambda: client.xadd("topic:intake:0", {"field": "value"}))
        finally:
            await client.aclose()


async def patiently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The answer or the refusal. Sentinels believe for a while that a server is gone which the machine has held up."""
    while True:
        try:
            return await ask()
        except (redis.ConnectionError, redis.TimeoutError, redis.ReadOnlyError):
            await asyncio.sleep(0.1)


def test_nobody_is_let_in_without_a_name(guarded: Guarded) -> None:
    with redis.Redis.from_url(guarded.url_of_nobody, protocol=2) as client, pytest.raises(AuthenticationError):
        client.ping()
    guessed = guarded.url_of("stats").replace("stats-", "guess-")
    with redis.Redis.from_url(guessed, protocol=2) as client, pytest.raises(AuthenticationError):
        client.ping()


def answered(street: Street, visit_id: str) -> bool:
    """A partner accepts the first referral of a visit, and intake hears of it."""
    referral = street.referrals_of(visit_id)[0]
    url = f"/referrals/{referral['referral_id']}"
    found = street.referral.get(url)
    accepted = street.referral.post(f"{url}/accept", json={}, headers={"If-Match": found.headers["ETag"]})
    assert accepted.status_code == 200, accepted.text
    return bool(until(lambda: street.referrals_of(visit_id)[0]["status"] == "accepted"))


def first_of_queue(street: Street, visit_id: str) -> dict[str, Any]:
    """The first event that a partner's live page is told."""
    partner = street.referrals_of(visit_id)[0]["partner"]
    with street.referral.stream("GET", f"/queues/{partner}/stream", params={"after": "0-0"}) as told:
        for line in told.iter_lines():
            if line.startswith("data:"):
                found: dict[str, Any] = json.loads(line.removeprefix("data:"))
                return found
    raise AssertionError("nothing was told")


def counted(street: Street) -> int:
    """The visits that stats has counted."""
    rows = street.stats.get("/stats/visits").json()["rows"]
    return int(rows[0]["count"]) if rows else 0
