"""Connections between the processes and the bus, which can be slow, silent, or cut in the middle of a word."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from random import Random
from typing import Any

from tests.simulation.bus import Block, Bus, ByKey, Reply
from tests.simulation.loop import Process, VirtualLoop, current_process

TRAVEL_S_MAX = 0.003
SLOW_S_MAX = 0.8
ASKING = frozenset((b"CLIENT", b"HELLO", b"HGETALL", b"PING", b"SCRIPT", b"XINFO", b"XRANGE", b"XREAD"))
"""Commands that change nothing: whoever waits need not be looked at again."""


class Network:
    """Every connection to one bus."""

    def __init__(self, loop: VirtualLoop, bus: Bus, chance: Random) -> None:
        self.loop, self.bus, self.chance = loop, bus, chance
        self.is_down = False
        self.is_slow = False
        self.lines: list[Line] = []
        self.answers_lost = 0
        self._waiting: list[tuple[Line, Sequence[bytes], asyncio.TimerHandle]] = []
        # What travels belongs to nobody: it arrives although its sender has died.
        self.world = Context()

    async def connect(self, factory: Callable[[], asyncio.BaseProtocol]) -> tuple["Line", asyncio.BaseProtocol]:
        """A new connection of the process that asks."""
        await asyncio.sleep(self.travel_s())
        if self.is_down:
            raise ConnectionRefusedError("the bus is down")
        protocol: Any = factory()
        line = Line(self, protocol, current_process())
        self.lines.append(line)
        protocol.connection_made(line)
        return line, protocol

    def travel_s(self) -> float:
        """How long a packet takes now."""
        return self.chance.uniform(0.0001, SLOW_S_MAX if self.is_slow else TRAVEL_S_MAX)

    def cut(self, lines: Sequence["Line"] | None = None) -> int:
        """Break these connections, or all; how many there were."""
        struck = [line for line in (self.lines if lines is None else lines) if not line.is_closing()]
        for line in struck:
            line.break_off()
        return len(struck)

    def stop(self) -> None:
        """The server is gone; whoever tries is refused."""
        self.is_down = True
        self.cut()

    def start(self) -> None:
        """A server listens again."""
        self.is_down = False

    def hear(self, line: "Line", command: Sequence[bytes]) -> None:
        """A command has arrived."""
        if command[0] == b"HELLO":
            line.version = int(command[1])
        try:
            reply = self.bus.answer(command)
        except Block as block:
            timer = self.loop.call_later(block.wait_ms / 1000, self._give_up, line, command, context=self.world)
            self._waiting.append((line, command, timer))
            return
        line.reply(reply)
        if command[0] not in ASKING:
            self._tell_waiting()

    def _tell_waiting(self) -> None:
        for line, command, timer in list(self._waiting):
            try:
                reply = self.bus.answer(command)
            except Block:
                continue
            timer.cancel()
            self._waiting.remove((line, command, timer))
            line.reply(reply)
            line.go_on()

    def _give_up(self, line: "Line", command: Sequence[bytes]) -> None:
        self._waiting = [waiting for waiting in self._waiting if waiting[0] is not line]
        line.reply(None)
        line.go_on()

    def waits(self, line: "Line") -> bool:
        """Whether its last command is still unanswered."""
        return any(waiting[0] is line for waiting in self._waiting)

    def forget(self, line: "Line") -> None:
        """It is closed."""
        self._waiting = [waiting for waiting in self._waiting if waiting[0] is not line]
        if line in self.lines:
            self.lines.remove(line)


class Line(asyncio.Transport):
    """One connection, as the client holds it. What is written arrives in order, each after a while."""

    def __init__(self, network: Network, protocol: Any, process: Process | None) -> None:
        super().__init__()
        self._network, self._protocol, self._loop = network, protocol, network.loop
        self._context = copy_context() if process is None else process.context()
        self.process = process
        self.is_silent = False
        self.version = 2
        self._is_closed = False
        self._arrives_s = self._returns_s = 0.0
        self._read = b""
        self._commands: list[list[bytes]] = []
        if process:
            process.at_death.append(self._drop)

    def write(self, data: Any) -> None:
        """Send to the server."""
        if self._is_closed or self.is_silent or (self.process and self.process.is_dead):
            return
        self._arrives_s = max(self._arrives_s, self._loop.time() + self._network.travel_s())
        self._loop.call_at(self._arrives_s, self._arrive, bytes(data), context=self._network.world)

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self._is_closed

    def close(self) -> None:
        """Hang up."""
        if not self._is_closed:
            self._drop()
            self._loop.call_soon(self._protocol.connection_lost, None, context=self._context)

    abort = close

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """There is no socket."""
        return default

    def pause_reading(self) -> None:
        """Whoever reads slowly is sent everything all the same."""

    resume_reading = pause_reading

    def break_off(self) -> None:
        """The other side is gone, without a word."""
        self._drop()
        error = ConnectionResetError("the line was cut")
        self._loop.call_soon(self._protocol.connection_lost, error, context=self._context)

    def reply(self, reply: Reply) -> None:
        """Send an answer back."""
        if self._is_closed or self.is_silent:
            self._network.answers_lost += 1
            return
        self._returns_s = max(self._returns_s, self._loop.time() + self._network.travel_s())
        self._loop.call_at(self._returns_s, self._returned, encoded(reply, self.version), context=self._context)

    def go_on(self) -> None:
        """Carry out what has arrived, one after the other; what waits holds up what is behind it."""
        while self._commands and not self._network.waits(self):
            self._network.hear(self, self._commands.pop(0))

    def _arrive(self, data: bytes) -> None:
        if self._network.is_down or self._is_closed:
            return
        self._read += data
        while (parsed := parse(self._read)) is not None:
            command, self._read = parsed
            self._commands.append(command)
        self.go_on()

    def _returned(self, data: bytes) -> None:
        if self._is_closed or self.is_silent:
            self._network.answers_lost += 1
            return
        self._protocol.data_received(data)

    def _drop(self) -> None:
        self._is_closed = True
        self._network.forget(self)


def parse(data: bytes) -> tuple[list[bytes], bytes] | None:
    """The first whole command of what was sent, and the rest; None while it is not whole."""
    head, found, rest = data.partition(b"\r\n")
    if not found:
        return None
    words: list[bytes] = []
    for _ in range(int(head[1:])):
        length, found, rest = rest.partition(b"\r\n")
        if not found or len(rest) < int(length[1:]) + 2:
            return None
        words.append(rest[: int(length[1:])])
        rest = rest[int(length[1:]) + 2 :]
    return words, rest


def encoded(reply: Reply, version: int = 2) -> bytes:
    """An answer on the wire, in the second or third version of the protocol."""
    match reply:
        case None:
            return b"*-1\r\n" if version == 2 else b"_\r\n"
        case int():
            return b":%d\r\n" % reply
        case str():
            return b"+%b\r\n" % reply.encode()
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(reply), reply)
        case list():
            return b"*%d\r\n" % len(reply) + b"".join(encoded(one, version) for one in reply)
        case dict() if version == 3:
            pairs = (encoded(key, 3) + encoded(value, 3) for key, value in reply.items())
            return b"%%%d\r\n" % len(reply) + b"".join(pairs)
        case ByKey():
            return encoded([[key, value] for key, value in reply.items()])
        case dict():
            return encoded([part for pair in reply.items() for part in pair])
        case _:
            return b"-%b\r\n" % str(reply).encode()
