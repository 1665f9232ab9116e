"""A body of JSON on its way to a form: the content type, the size, the syntax and the fields, each with its refusal."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from shared.web.exchange import ClientGone, read_body
from shared.web.problems import FieldError, Problem, from_validation
from shared.web.strict_json import BODY_BYTES_MAX, check

JSON = (b"application/json", b"text/json")
JSON_LINES = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl", *JSON)
_UTF_8 = (b"", b"utf-8", b"utf8")

Form = TypeVar("Form", bound=BaseModel)


def require_type(content_type: bytes | None, types: Sequence[bytes] = JSON) -> None:
    """Raise the 415 problem for a body that is said to be something else, or not in UTF-8; unsaid is trusted."""
    if content_type is None:
        return
    name, _, parameters = content_type.lower().partition(b";")
    charset = parameters.partition(b"charset=")[2].partition(b";")[0].strip(b'" ')
    if name.strip() not in types or charset not in _UTF_8:
        remedy = f"Send {types[0].decode()}, in UTF-8."
        errors: list[FieldError] = [{"field": "Content-Type", "detail": remedy}]
        raise Problem(415, "unsupported-type", "Unsupported content type", remedy, errors)


async def read_form(request: Request, form: type[Form], *, optional: bool = False) -> Form:
    """The body as a form. Raises the 400, 413, 415 or 422 problem, as every route that takes JSON does.

    `optional`: no body at all is a form with nothing filled in.
    """
    require_type(request.headers.get("content-type", "application/json").encode("latin-1"))
    try:
        body = await read_body(request.receive, BODY_BYTES_MAX)
    except ClientGone:
        # Nobody is left to read this; it only keeps the log free of what is no failure of ours.
        raise Problem(400, "cut-off", "The body never ended", "Send it again, whole.") from None
    if optional and not body:
        return form()
    check(body)
    try:
        # From bytes: what is strict about values that Python made would refuse the words of an enumeration.
        return form.model_validate_json(body)
    except ValidationError as error:
        raise from_validation(error) from None


def form_contract(form: type[BaseModel], *, optional: bool = False) -> dict[str, Any]:
    """The form as the `openapi_extra` of a route that reads it by `read_form`."""
    schema = form.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                rest = {key: each for key, each in part.items() if key != "$ref"}
                return {**whole(parts[part["$ref"].rpartition("/")[2]]), **rest}
            return {key: whole(each) for key, each in part.items()}
        return [whole(each) for each in part] if isinstance(part, list) else part

    content = {"application/json": {"schema": whole(schema)}}
    return {"requestBody": {"required": not optional, "content": content}}
