"""An event loop whose time is virtual, and processes in it that can be stopped and killed between any two steps."""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, Protocol

BUSINESS_S_MAX = 0.004
"""How long a reader thread takes at most, in virtual time."""


class Process:
    """Whoever began a task in its context shares its fate: a dead one never takes another step."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_paused = False
        self.at_death: list[Callable[[], None]] = []
        self._held: deque[tuple[asyncio.Handle, Callable[..., object], tuple[Any, ...], Context]] = deque()

    def context(self) -> Context:
        """A context in which whatever is begun belongs to this process."""
        context = Context()
        context.run(_PROCESS.set, self)
        return context

    def die(self) -> None:
        """SIGKILL: nothing is cleaned up by the process itself; what its system does for it is in `at_death`."""
        if self.is_dead:
            return
        self.is_dead = True
        self._held.clear()
        for farewell in self.at_death:
            farewell()

    def pause(self) -> None:
        """SIGSTOP."""
        self.is_paused = True

    def resume(self, loop: "VirtualLoop") -> None:
        """SIGCONT: what has fallen due meanwhile happens now."""
        self.is_paused = False
        while self._held:
            loop.continue_with(self, *self._held.popleft())

    def step(
        self, handle: asyncio.Handle, context: Context, callback: Callable[..., object], arguments: tuple[Any, ...]
    ) -> None:
        """Take one step, unless dead; later, while stopped."""
        if self.is_dead or handle.cancelled():
            return
        if self.is_paused:
            self._held.append((handle, callback, arguments, context))
        else:
            callback(*arguments)


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def current_process() -> Process | None:
    """The process that takes this step; None: the world around them."""
    return _PROCESS.get()


class Wires(Protocol):
    """What a connection is asked of."""

    async def connect(self, factory: Callable[[], asyncio.BaseProtocol]) -> tuple[Any, asyncio.BaseProtocol]:
        """A new connection."""


class StandsStill(Exception):
    """Nothing is left that could ever happen, and somebody waits."""


class _Clockwork(selectors.SelectSelector):
    """Where an event loop would wait for its sockets, the clock jumps to what is next."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise StandsStill
        self.now_s += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only where everybody waits. Threads are played by delays: what they do happens at once."""

    def __init__(self, chance: Random) -> None:
        self._clockwork = _Clockwork()
        self._chance = chance
        self.wires: Wires | None = None
        self.steps = 0
        super().__init__(self._clockwork)

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._clockwork.now_s

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """As it is, but through the process that the step belongs to."""
        self.steps += 1
        context = copy_context() if context is None else context
        process = context.get(_PROCESS)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        step: Any = process.step
        handle = super().call_soon(step, context=context)
        handle._args = (handle, context, callback, args)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As it is, but through the process that the step belongs to."""
        context = copy_context() if context is None else context
        process = context.get(_PROCESS)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        step: Any = process.step
        handle = super().call_at(when, step, context=context)
        handle._args = (handle, context, callback, args)
        return handle

    def continue_with(
        self,
        process: Process,
        handle: asyncio.Handle,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        context: Context,
    ) -> None:
        """Take a step that was held back; one that is cancelled until then stays untaken."""
        super().call_soon(process.step, handle, context, callback, arguments, context=context)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        """A thread that takes a moment: its work is done at one instant within it."""
        future = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:
                self.call_later(self._moment(), _settle, future, future.set_exception, error)
            else:
                self.call_later(self._moment(), _settle, future, future.set_result, result)

        self.call_later(self._moment(), work)
        return future

    async def create_connection(self, protocol_factory: Any, *args: Any, **options: Any) -> Any:
        """To the bus: there is nothing else to be reached."""
        assert self.wires is not None
        return await self.wires.connect(protocol_factory)

    def _moment(self) -> float:
        return self._chance.uniform(0.0001, BUSINESS_S_MAX)


def _settle(future: "asyncio.Future[Any]", settle: Callable[[Any], None], outcome: Any) -> None:
    if not future.done():
        settle(outcome)
