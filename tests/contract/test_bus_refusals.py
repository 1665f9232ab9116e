"""What users of the bus are refused, on Valkey and on Redis 7.0: everything but what their service does."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
import redis
from redis.exceptions import NoPermissionError, ResponseError

from shared.bus_users import NEEDS, OPERATIONS, USERS
from tests.servers.guarded import KINDS, Guarded, running_guarded

KEYS = (
    "topic:intake:0",
    "topic:referral:0",
    "queue:p01",
    "checkpoints:intake:0",
    "checkpoints:referral:0",
    "anything",
)
REFUSED = "permission|user executing the script can't"
FOR_EVERYBODY = {"auth", "hello", "quit", "reset"}
"""The server itself lets anybody say these."""

# Command, and the keys on which it is right.
_FILL = ("evalsha", "xinfo|stream", "xadd", "del", "xtrim", "xrange")
_REPORT = ("eval", "hset", "hdel")
ALLOWED: dict[str, dict[str, set[str]]] = {
    "intake": {
        **{command: {"topic:intake:0"} for command in _FILL},
        "hgetall": {"checkpoints:intake:0"},
        "xread": {"topic:referral:0"},
        "xinfo|stream": {"topic:intake:0", "topic:referral:0"},
        **{command: {"checkpoints:referral:0"} for command in _REPORT},
    },
    "referral": {
        **{command: {"topic:referral:0", "queue:p01"} for command in _FILL},
        "hgetall": {"checkpoints:referral:0"},
        "xread": {"topic:intake:0", "queue:p01"},
        "xinfo|stream": {"topic:referral:0", "queue:p01", "topic:intake:0"},
        **{command: {"checkpoints:intake:0"} for command in _REPORT},
    },
    "stats": {
        "xread": {"topic:intake:0", "topic:referral:0"},
        "xinfo|stream": {"topic:intake:0", "topic:referral:0"},
        **{command: {"checkpoints:intake:0", "checkpoints:referral:0"} for command in _REPORT},
    },
    OPERATIONS: {
        "xrange": {"topic:intake:0", "topic:referral:0", "queue:p01"},
        "xinfo|stream": {"topic:intake:0", "topic:referral:0", "queue:p01"},
        "hgetall": {"checkpoints:intake:0", "checkpoints:referral:0"},
    },
}
ASKED_BY_ALL = {"ping", "cluster|slots", "asking"}
WITHOUT_A_KEY: dict[str, set[str]] = {
    "intake": {*ASKED_BY_ALL, "script|load"},
    "referral": {*ASKED_BY_ALL, "script|load"},
    "stats": ASKED_BY_ALL,
    OPERATIONS: {*ASKED_BY_ALL, "info", "acl|log", "scan", "multi", "exec", "discard"},
}

FORBIDDEN: Sequence[Sequence[str]] = (
    ["FLUSHALL"],
    ["FLUSHDB", "ASYNC"],
    ["CONFIG", "GET", "*"],
    ["CONFIG", "SET", "maxmemory", "1"],
    ["KEYS", "*"],
    ["DEBUG", "SLEEP", "0"],
    ["SCRIPT", "KILL"],
    ["SCRIPT", "FLUSH"],
    ["FUNCTION", "FLUSH"],
    ["MODULE", "LIST"],
    ["CLUSTER", "RESET"],
    ["CLUSTER", "FAILOVER"],
    ["SHUTDOWN", "NOSAVE"],
    ["ACL", "LIST"],
    ["ACL", "SETUSER", "stats", "+@all"],
    ["ACL", "LOAD"],
    ["CLIENT", "LIST"],
    ["CLIENT", "KILL", "TYPE", "normal"],
    ["MONITOR"],
    ["REPLICAOF", "127.0.0.1", "1"],
    ["SAVE"],
    ["SELECT", "1"],
    ["SWAPDB", "0", "1"],
    ["RENAME", "topic:intake:0", "anything"],
    ["COPY", "topic:intake:0", "anything"],
    ["RESTORE", "anything", "0", "x"],
    ["DUMP", "topic:intake:0"],
    ["EXPIRE", "topic:intake:0", "1"],
    ["XSETID", "topic:intake:0", "999-0"],
    ["XGROUP", "CREATE", "topic:intake:0", "g", "$"],
    ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "topic:intake:0", ">"],
    ["XDEL", "topic:intake:0", "1-0"],
    ["SET", "anything", "1"],
    ["GET", "anything"],
    ["PUBLISH", "anything", "1"],
    ["SUBSCRIBE", "anything"],
    ["XREAD", "STREAMS", "anything", "0"],
    ["XREAD", "STREAMS", "topic:intake:0", "anything", "0", "0"],
    ["EVAL", "return redis.call('FLUSHALL')", "0"],
    ["EVAL", "return redis.call('XADD', 'anything', '*', 'f', 'v')", "0"],
)
"""Refused to every service, whatever its keys."""


@pytest.fixture(params=KINDS, scope="module")
def guarded(request: pytest.FixtureRequest, settings_from_outside: object) -> Iterator[Guarded]:
    """Once Valkey, of the wheel, and once the Redis of the distribution."""
    with running_guarded(request.param) as server:
        yield server


@pytest.mark.parametrize("user", USERS)
def test_what_would_harm_the_house_is_refused(guarded: Guarded, user: str) -> None:
    with guarded.client_of(user) as client:
        for words in FORBIDDEN:
            with pytest.raises((NoPermissionError, ResponseError), match=REFUSED):
                client.execute_command(*words)
            client.connection_pool.disconnect()


@pytest.mark.parametrize("user", NEEDS)
def test_a_service_does_not_speak_for_another(guarded: Guarded, user: str) -> None:
    others = [key for key in KEYS if key.startswith(("topic:", "queue:")) and key not in ALLOWED[user].get("xadd", ())]
    assert others
    with guarded.client_of(user) as client:
        for key in others:
            for words in (["XADD", key, "*", "f", "v"], ["DEL", key], ["XTRIM", key, "MAXLEN", "0"]):
                with pytest.raises(NoPermissionError):
                    client.execute_command(*words)
            # A script is held against the rules of whoever calls it, whether it names its key or not.
            for script in ("redis.call('DEL', KEYS[1])", f"redis.call('DEL', '{key}')"):
                with pytest.raises(ResponseError, match=REFUSED):
                    client.eval(f"return {script}", 1, key)
                with pytest.raises(ResponseError, match=REFUSED):
                    client.eval(f"return {script.replace('KEYS[1]', repr(key))}", 0)


@pytest.mark.parametrize("user", USERS)
def test_every_command_of_the_server_is_refused_but_those_that_are_needed(guarded: Guarded, user: str) -> None:
    """Each command of the server on each kind of key, asked of the server itself by a dry run."""
    surplus, missing = [], []
    with guarded.client() as admin:
        for command, arity, has_keys in commands(admin):
            for key in KEYS if has_keys else ("",):
                words = spoken(command, arity, key)
                # Else a slip in the words would pass for a refusal.
                assert dry_run(admin, "admin", words) == "OK"
                said = dry_run(admin, user, words)
                wanted = (
                    command in FOR_EVERYBODY
                    or command.startswith("command|")
                    or command in WITHOUT_A_KEY[user]
                    or (has_keys and key in ALLOWED[user].get(command, ()))
                )
                if (said == "OK") and not wanted:
                    surplus.append((command, key))
                elif wanted and said != "OK":
                    missing.append((command, key, said))
    assert not surplus
    assert not missing


def commands(admin: redis.Redis) -> Iterator[tuple[str, int, bool]]:
    """Every command and subcommand that the server knows: its name, its arity, whether it names keys."""
    told: Any = cast("Any", admin).execute_command("COMMAND")
    # The client has a parser of its own for this answer.
    for name, found in told.items():
        below = found["subcommands"]
        for each in below:
            yield text(each[0]), int(each[1]), bool(each[8])
        if not below:
            yield name, int(found["arity"]), bool(found["key_specifications"])


def spoken(command: str, arity: int, key: str) -> list[str]:
    """A command as somebody would say it: with as many words as it needs, and the key where it looks for one."""
    name = command.split("|")
    match name[0]:
        case "eval" | "evalsha" | "eval_ro" | "evalsha_ro" | "fcall" | "fcall_ro":
            return [*name, "return 1", "1", key]
        case "xread":
            return ["xread", "STREAMS", key, "0"]
        case "xreadgroup":
            return ["xreadgroup", "GROUP", "g", "c", "STREAMS", key, ">"]
    return [*name, *[key or "1"] * max(1 if key else 0, abs(arity) - len(name))]


def dry_run(admin: redis.Redis, user: str, words: Sequence[str]) -> str:
    """What the server would say to a user's command."""
    try:
        return text(cast("Any", admin).execute_command("ACL", "DRYRUN", user, *words))
    except ResponseError as error:
        return str(error)


def text(told: bytes | str) -> str:
    return told.decode() if isinstance(told, bytes) else told
