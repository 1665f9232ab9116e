"""The servers that other tests stand on: fresh, durable, and gone with the tests."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from sqlalchemy import URL, NullPool, create_engine, text

from tests.servers import (
    ServerFailed,
    ServerUnavailable,
    Valkey,
    fresh_database,
    running_postgresql,
    running_valkey,
)

GONE_S_MAX = 60.0


def tables(url: str) -> int:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        found = connection.execute(text("SELECT 1 FROM pg_tables WHERE schemaname = 'public'"))
        return len(found.all())


def test_a_fresh_valkey_holds_nothing(valkey: Valkey) -> None:
    with valkey.client() as client:
        assert client.dbsize() == 0


def test_a_killed_valkey_comes_back_with_what_it_acknowledged(valkey: Valkey) -> None:
    with valkey.client() as client:
        client.xadd("topic", {"entry": "1"}, id="1-0")
    valkey.kill()
    valkey.restart()
    with valkey.client() as client:
        assert client.xlen("topic") == 1


def test_an_emptied_valkey_comes_back_at_the_same_address(valkey: Valkey) -> None:
    url, pid = valkey.url, valkey.pid
    with valkey.client() as client:
        client.set("key", "value")
    valkey.restart(empty=True)
    assert (valkey.url, valkey.pid == pid) == (url, False)
    with valkey.client() as client:
        assert client.dbsize() == 0


def test_a_flushed_valkey_runs_on(valkey: Valkey) -> None:
    pid = valkey.pid
    with valkey.client() as client:
        client.set("key", "value")
        valkey.flush()
        assert client.get("key") is None
    assert valkey.pid == pid


def test_a_valkey_takes_further_options() -> None:
    with running_valkey("--maxmemory", "2mb") as server, server.client() as client:
        assert client.config_get("maxmemory") == {"maxmemory": "2097152"}


def test_a_valkey_that_does_not_start_says_why() -> None:
    with pytest.raises(ServerFailed, match="no-such-option"), running_valkey("--no-such-option", "1"):
        pass


def test_a_stopped_valkey_leaves_neither_process_nor_folder() -> None:
    with running_valkey() as server, server.client() as client:
        pid = server.pid
        client.ping()
    assert not is_running(pid)
    assert not server.folder.exists()
    with pytest.raises(redis.ConnectionError), server.client() as client:
        client.ping()


def test_a_database_of_postgresql_is_empty_and_ones_own(postgresql: URL) -> None:
    with fresh_database(postgresql) as one, fresh_database(postgresql) as other:
        engine = create_engine(one, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE visit (id int)"))
        assert (tables(one), tables(other)) == (1, 0)


def test_a_database_is_dropped_under_those_who_still_hold_it(postgresql: URL) -> None:
    with fresh_database(postgresql) as url:
        engine = create_engine(url)
        connection = engine.connect()
        connection.execute(text("SELECT 1"))
    connection.invalidate()
    engine.dispose()


def test_each_store_offers_a_database(database_url: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE visit (id int)"))
        assert connection.execute(text("SELECT count(*) FROM visit")).scalar_one() == 0


def test_postgresql_is_durable_and_comes_back_after_a_crash() -> None:
    with ExitStack() as running:
        try:
            server = running.enter_context(running_postgresql())
        except ServerUnavailable as reason:
            pytest.skip(str(reason))
        url = running.enter_context(fresh_database(server.url))
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE visit (id int)"))
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert connection.execute(text(f"SHOW {setting}")).scalar_one() == "on"
        server.kill()
        server.restart()
        assert tables(url) == 1


def test_no_server_outlives_tests_that_are_killed() -> None:
    program = (
        "import os, signal; from tests.servers import Valkey; server = Valkey(); server.start();"
        "print(server.pid, server.folder, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    pid, folder = run.stdout.split()
    deadline = time.monotonic() + GONE_S_MAX
    while is_running(int(pid)) or Path(folder).exists():
        assert time.monotonic() < deadline, "the guard did not do its work"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
