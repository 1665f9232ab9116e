"""One trace from a request to the last figure that it moves, for whoever names a collector in `MAISON_TRACES`.

A request opens a span; the events that it appends carry its `traceparent`; every service that hears one of them
hangs a span of its own below. Spans name routes, event types, topics and positions: never an address as it was
asked for, a header, an id of a case, or a word that somebody typed.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from shared.envelope import Envelope
from shared.telemetry.story import TRACEPARENT

if TYPE_CHECKING:
    from opentelemetry.context import Context

_SERVER_FAULT = 500
SEND_S_MAX = 2.0
"""A collector that does not answer is given up after so long, retries included: nobody waits for it at the end."""


class Tracing:
    """The spans of one service, sent to a collector by OTLP over HTTP."""

    def __init__(self, service: str, collector: str) -> None:
        # Loaded only where somebody traces: it is a tenth of what a service holds in memory.
        from faststream.redis.opentelemetry import RedisTelemetryMiddleware
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create({"service.name": service, "service.namespace": "maison"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{collector.rstrip('/')}/v1/traces", timeout=SEND_S_MAX)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
        self._tracer = self._provider.get_tracer("maison")
        self._propagator = TraceContextTextMapPropagator()
        self.middleware: Any = RedisTelemetryMiddleware(tracer_provider=self._provider)

    @contextmanager
    def request(self, method: str, route: str, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[None]:
        """A span around an answer over HTTP. A `traceparent` that came with the request is gone on with."""
        from opentelemetry.trace import SpanKind

        came_with = next((value.decode("latin-1") for name, value in headers if name == b"traceparent"), None)
        about = {"http.request.method": method, "http.route": route}
        with self._tracer.start_as_current_span(
            f"{method} {route}", self._above(came_with), SpanKind.SERVER, about, record_exception=False
        ):
            before = TRACEPARENT.set(self._below())
            try:
                yield
            finally:
                TRACEPARENT.reset(before)

    @staticmethod
    def answered(status: int) -> None:
        """Say what the answer is that the span at hand goes around."""
        from opentelemetry.trace import StatusCode, get_current_span

        span = get_current_span()
        span.set_attribute("http.response.status_code", status)
        if status >= _SERVER_FAULT:
            span.set_status(StatusCode.ERROR)

    @contextmanager
    def hearing(self, topic: str, envelopes: Sequence[Envelope]) -> Iterator[None]:
        """A span for each event that belongs to a trace, for as long as they are taken in."""
        from opentelemetry.trace import SpanKind

        with ExitStack() as spans:
            for envelope in envelopes:
                if envelope.traceparent:
                    about: dict[str, str | int] = {"messaging.system": "redis", "messaging.destination.name": topic}
                    about |= {"messaging.operation.type": "process", "maison.position": envelope.position}
                    span = self._tracer.start_span(
                        f"hear {envelope.type}", self._above(envelope.traceparent), SpanKind.CONSUMER, about
                    )
                    spans.callback(span.end)
            yield

    def close(self) -> None:
        """Send what is left. Blocks for a moment."""
        self._provider.shutdown()

    def _above(self, traceparent: str | None) -> "Context":
        return self._propagator.extract({"traceparent": traceparent} if traceparent else {})

    def _below(self) -> str | None:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier.get("traceparent")
