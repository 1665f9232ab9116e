"""Which trace the work at hand belongs to, if somebody traces: what an event carries on as its `traceparent`."""

from contextvars import ContextVar

TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""W3C Trace Context, as it goes into an event: codes without a meaning."""


def current_trace() -> str | None:
    """The trace that is being told now."""
    return TRACEPARENT.get()
