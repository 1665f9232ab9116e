"""The model of the bus answers as a real server does: both are asked the same, and each answer is compared."""

import socket
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hiredis import Reader

from shared.relay.calls import script
from shared.relay.readers import _REPORT
from tests.servers import Valkey
from tests.simulation.bus import Block, Bus
from tests.simulation.wires import encoded

SEQUENCES = 60
COMMANDS = 25
KEYS = (b"topic:a:0", b"queue:p01")
READERS = b"checkpoints:a:0"
_SCRIPT = script()


class Asked:
    """A real server, word by word."""

    def __init__(self, url: str) -> None:
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(url.removeprefix("unix://"))
        self._reader = Reader()

    def answer(self, command: list[bytes]) -> Any:
        """Its answer, errors as values."""
        words = b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in command)
        self._line.sendall(b"*%d\r\n" % len(command) + words)
        while (answer := self._reader.gets()) is False:
            self._reader.feed(self._line.recv(65_536))
        return answer

    def close(self) -> None:
        """Hang up."""
        self._line.close()


@pytest.fixture
def real(valkey: Valkey) -> Iterator[Asked]:
    asked = Asked(valkey.url)
    yield asked
    asked.close()


def test_the_model_answers_as_a_server_does(real: Asked) -> None:
    chance = Random(11)
    for _ in range(SEQUENCES):
        model = Bus(_SCRIPT.source)
        real.answer([b"FLUSHALL"])
        real.answer([b"SCRIPT", b"FLUSH"])
        for _ in range(COMMANDS):
            command = _some_command(chance)
            assert _comparable(_modelled(model, command), command) == _comparable(real.answer(command), command), (
                command
            )


def test_the_model_refuses_what_a_full_server_refuses(real: Asked) -> None:
    real.answer([b"SCRIPT", b"LOAD", _SCRIPT.source])
    real.answer([b"CONFIG", b"SET", b"maxmemory", b"1"])
    model = Bus(_SCRIPT.source)
    model.entries_max = 0
    model.answer([b"SCRIPT", b"LOAD", _SCRIPT.source])
    for command in (
        [b"EVALSHA", _SCRIPT.digest.encode(), b"1", KEYS[0], b"0", b"append", b"1", b"first"],
        [b"XADD", KEYS[0], b"1-0", b"__data__", b"first"],
        [b"EVAL", _REPORT.encode(), b"1", READERS, b"stats", b"5 1"],
        [b"XTRIM", KEYS[0], b"MINID", b"=", b"1-0"],
    ):
        told, expected = _modelled(model, command), real.answer(command)
        if isinstance(expected, list):
            # A server says more of where the script stood.
            assert told[:2] == expected[:2]
            assert told[2].split()[0] == expected[2].split()[0] == b"OOM"
        else:
            assert _comparable(told, command) == _comparable(expected, command)


def _some_command(chance: Random) -> list[bytes]:
    key, place = chance.choice(KEYS), b"%d" % chance.randint(0, 6)
    entries = [part for number in range(chance.randint(0, 3)) for part in (b"%d" % (int(place) + 1 + number), b"body")]
    call = [b"1", key, place, chance.choice((b"append", b"append", b"append", b"restart")), *entries]
    return chance.choice(
        [
            [b"PING"],
            [b"SCRIPT", b"LOAD", _SCRIPT.source],
            [b"EVALSHA", _SCRIPT.digest.encode(), *call],
            [b"EVAL", _SCRIPT.source, *call],
            [b"EVAL", _SCRIPT.source, *call],
            [b"EVAL", _REPORT.encode(), b"1", READERS, b"stats", place + b" 1"],
            [b"XADD", key, place + b"-0", b"__data__", b"stranger"],
            [b"XINFO", b"STREAM", key],
            [b"XRANGE", key, b"-", b"+", b"COUNT", b"1"],
            [b"XREAD", b"COUNT", b"2", b"STREAMS", key, place + b"-0"],
            [b"XREAD", b"BLOCK", b"1", b"COUNT", b"2", b"STREAMS", key, place + b"-0"],
            [b"XTRIM", key, b"MINID", b"=", place + b"-0"],
            [b"HGETALL", READERS],
            [b"HDEL", READERS, b"stats"],
            [b"DEL", chance.choice((key, READERS))],
            [b"FLUSHALL"] if chance.random() < 0.2 else [b"PING"],
        ]
    )


def _modelled(model: Bus, command: list[bytes]) -> Any:
    try:
        reply = model.answer(command)
    except Block:
        reply = None
    reader = Reader()
    reader.feed(encoded(reply))
    return reader.gets()


def _comparable(answer: Any, command: list[bytes]) -> Any:
    """Errors by their first word; of a topic's state only what the house looks at."""
    if isinstance(answer, Exception):
        return "error", str(answer).split()[0]
    if isinstance(answer, list) and command[0] == b"XINFO":
        told = dict(zip(answer[::2], answer[1::2], strict=True))
        return [told[name] for name in (b"length", b"last-generated-id", b"first-entry", b"last-entry")]
    if isinstance(answer, list) and len(answer) == 3 and answer[0] == 2:
        return [*answer[:2], answer[2].split()[0]]
    return answer
