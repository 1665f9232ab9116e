"""What every event of the published language has in common."""

from typing import Any, ClassVar

import msgspec
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Event(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A fact: past tense, immutable, with ids, codes and dates only.

    When it happened is said by its envelope. `event_type` is `<owner>.<name>.v<schema version>`.
    """

    event_type: ClassVar[str]

    # FastStream makes AsyncAPI with pydantic, which does not know msgspec: these two hooks are its way in.
    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return json_schema(cls)


def json_schema(event: type[Event]) -> dict[str, Any]:
    """The JSON schema of an event's data, whole: nothing in it refers to another schema."""
    _, components = msgspec.json.schema_components([event], ref_template="{name}")

    def whole(part: Any) -> Any:
        if isinstance(part, dict):
            return (
                whole(components[part["$ref"]]) if "$ref" in part else {key: whole(each) for key, each in part.items()}
            )
        return [whole(each) for each in part] if isinstance(part, list) else part

    schema: dict[str, Any] = whole(components[event.__name__])
    return schema
