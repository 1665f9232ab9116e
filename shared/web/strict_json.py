"""JSON as we take it from strangers: bounded, without duplicate keys, without numbers that are none.

A parser that quietly takes the last of two equal keys, or reads NaN, lets two readers of one body see two
different things. The size is bounded before anything is parsed.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from shared.web.problems import Problem, field_name

BODY_BYTES_MAX = 64 * 1024
DEPTH_MAX = 16


def check(body: bytes, bytes_max: int = BODY_BYTES_MAX) -> None:
    """Raise a `Problem` unless `body` is one JSON object that can be trusted to mean one thing."""
    if len(body) > bytes_max:
        raise too_large(bytes_max)
    try:
        text = body.decode()
        if text.count("[") + text.count("{") > DEPTH_MAX:
            _check_depth(text)
        parsed = _decoder.decode(text)
    except UnicodeDecodeError:
        raise _malformed("The body is not UTF-8.") from None
    except RecursionError:
        raise _malformed("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        fault = error.msg.rstrip(": ").removesuffix(" at")
        raise _malformed(f"{fault} at line {error.lineno}, column {error.colno}: mend it there.") from None
    except ValueError:
        raise _malformed("A number has too many digits: send a shorter one.") from None
    if not isinstance(parsed, dict):
        raise _malformed("The body must be a JSON object.")


def too_large(bytes_max: int) -> Problem:
    """The body was not even read."""
    return Problem(413, "too-large", "Body too large", f"At most {bytes_max} bytes are taken. Send less at a time.")


def _malformed(detail: str) -> Problem:
    return Problem(
        400,
        "malformed-json",
        "Not acceptable as JSON",
        detail,
        [{"field": "", "detail": "Send one JSON object."}],
    )


def _check_depth(text: str) -> None:
    depth = 0
    inside_string = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif inside_string:
            escaped = character == "\\"
            inside_string = character != '"'
        elif character == '"':
            inside_string = True
        elif character in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise _malformed(f"The body is nested deeper than {DEPTH_MAX} levels.")
        elif character in "]}":
            depth -= 1


def _no_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in {earlier for earlier, _ in pairs[:index]})
        raise Problem(
            400, "malformed-json", "Not acceptable as JSON", "A key occurs twice in one object: send it once.",
            [{"field": field_name(twice), "detail": "Send this key once."}],
        )  # fmt: skip
    return members


def _no_constant(name: str) -> NoReturn:
    raise _malformed(f"{name} is not a number in JSON: leave it out.")


_decoder = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
