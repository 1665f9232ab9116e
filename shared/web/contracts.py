"""What a service says of itself: `/asyncapi.json` beside `/openapi.json`, and `/metrics`.

The topics heard are those that FastStream has subscribers for; what is said on topics and queues is said by the
relay, which FastStream does not know, and is added from the published language.
"""

import re
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

from fastapi import FastAPI, Response
from faststream.specification import AsyncAPI

from shared.bus import DATA_FIELD, queue_key, topic_key
from shared.events import EVENT_TYPES, Event
from shared.events.base import json_schema
from shared.service import Service
from shared.telemetry.metrics import CONTENT_TYPE, Telemetry

_TOPIC = re.compile(r"^topic:(?P<source>[a-z]+):\d+$")
_PARTITION = {"partition": {"description": "One of the log's partitions, from 0; a case or a queue keeps to one."}}
_PARTNER = {"partner": {"description": "A partner's code, or `coordinator`."}}
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}

ENVELOPE: dict[str, Any] = {
    "title": "CloudEvent",
    "description": f"A CloudEvents 1.0 document: the value of the one field `{DATA_FIELD}` of an entry.",
    "type": "object",
    "required": [
        "specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence", "streamversion", "data",
    ],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {**_TEXT, "description": "`<source>:<partition>:<position>`"},
        "source": {**_TEXT, "description": "The service that says it"},
        "type": _TEXT,
        "subject": {**_TEXT, "description": "The stream: the history that the event belongs to"},
        "time": {**_TIME, "description": "When it happened, with the site's offset at that moment"},
        "recordedtime": {**_TIME, "description": "When it was recorded, in UTC"},
        "sequence": {"type": "string", "pattern": r"^\d{10,}$", "description": "The position in its partition"},
        "streamversion": {"type": "integer", "minimum": 1},
        "correlationid": _TEXT,
        "causationid": _TEXT,
        "actor": _TEXT,
        "traceparent": {**_TEXT, "description": "W3C Trace Context, where somebody traces"},
        "data": {"type": "object"},
    },
}  # fmt: skip


def add_contract_routes(app: FastAPI, service: Service, telemetry: Telemetry) -> None:
    """Add `/asyncapi.json` and `/metrics`."""
    # Made when somebody asks for it, as `/openapi.json` is, and not while a house waits for its services to start.
    app.state.asyncapi = document = cache(partial(asyncapi, app, service))

    # Not `async`: it is made in a thread, so that nobody else waits.
    @app.get("/asyncapi.json", include_in_schema=False)
    def contract() -> dict[str, Any]:
        return document()

    @app.get(
        "/metrics",
        tags=["health"],
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"description": "Prometheus text", "content": {"text/plain": {"schema": _TEXT}}}},
    )
    async def metrics() -> Response:
        return Response(await telemetry.exposition(), headers={"Content-Type": CONTENT_TYPE})


def asyncapi(app: FastAPI, service: Service) -> dict[str, Any]:
    """The AsyncAPI 3 document: what is heard, what is said, each event with its envelope."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    sources = heard_sources(service)
    for source in sources:
        channels[source] = _channel(topic_key(source, 0)[:-1] + "{partition}", _PARTITION, source)
        operations[f"hear-{source}"] = _operation("receive", source)
    if service.relay:
        sources = [*sources, service.name]
        channels[service.name] = _channel(topic_key(service.name, 0)[:-1] + "{partition}", _PARTITION, service.name)
        operations[f"say-{service.name}"] = _operation("send", service.name)
        if service.relay.with_queues:
            channels["queue"] = _channel(queue_key("{partner}"), _PARTNER, service.name)
            operations["say-queue"] = _operation("send", "queue")
    return {
        "asyncapi": "3.0.0",
        "info": {"title": app.title, "version": app.version, "description": app.description},
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {name: _message(name, event) for source in sources for name, event in _events_of(source)},
            "schemas": {"CloudEvent": ENVELOPE},
        },
    }


def heard_sources(service: Service) -> list[str]:
    """Whose topics FastStream reads for this service."""
    document = AsyncAPI(service.broker, title=service.name, version="1", schema_version="3.0.0")
    channels = document.to_specification().to_jsonable()["channels"].values()
    return sorted({match["source"] for channel in channels if (match := _TOPIC.match(channel["address"]))})


def _events_of(source: str) -> Iterator[tuple[str, type[Event]]]:
    for name, event in EVENT_TYPES.items():
        if name.startswith(f"{source}."):
            yield name, event


def _channel(address: str, parameters: dict[str, Any], source: str) -> dict[str, Any]:
    return {
        "address": address,
        "parameters": parameters,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name, _ in _events_of(source)},
    }


def _operation(action: str, channel: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "bindings": {"redis": {"method": "xread" if action == "receive" else "xadd", "bindingVersion": "custom"}},
    }


def _message(name: str, event: type[Event]) -> dict[str, Any]:
    told = {"type": {"const": name}, "data": json_schema(event)}
    return {
        "name": name,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip(),
        "contentType": "application/cloudevents+json",
        "payload": {"allOf": [{"$ref": "#/components/schemas/CloudEvent"}, {"type": "object", "properties": told}]},
    }
