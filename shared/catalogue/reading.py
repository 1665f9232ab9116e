"""A house file is read whole or refused whole, with every fault told by line."""

import re
import tomllib
from collections.abc import Mapping
from itertools import chain
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.catalogue.catalogue import Catalogue
from shared.catalogue.draft import Finding, draft_of
from shared.catalogue.faults import CatalogueError, Fault
from shared.catalogue.lines import Lines, Path, lines_of
from shared.catalogue.references import references
from shared.catalogue.routes import routes
from shared.catalogue.timetable import timetable
from shared.catalogue.unplanned import unplanned

# A house file is some tens of kilobytes. More than this is another file given by mistake.
_BYTES_MAX = 1_000_000

_OUR_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is a key that nothing reads",
    "too_short": "should hold one at least",
    "tuple_type": "should be an array",
    "model_type": "should be a table",
}


def load_catalogue(path: FilePath) -> Catalogue:
    """The catalogue in a file, UTF-8. Raises `CatalogueError`, also when the file cannot be read."""
    name = path.name
    try:
        with path.open("rb") as file:
            data = file.read(_BYTES_MAX + 1)
    except OSError as error:
        raise CatalogueError(name, (Fault(0, name, f"cannot be read: {error.strerror or error}"),)) from None
    try:
        # Some editors begin a file with a byte order mark, which TOML does not know.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CatalogueError(name, (Fault(line, name, "is not UTF-8 text"),)) from None
    return read_catalogue(text, name)


def read_catalogue(text: str, name: str) -> Catalogue:
    """The catalogue in a TOML text called `name`. Raises `CatalogueError`, with all faults at once."""
    raw, lines = _parsed(text, name)
    catalogue, findings = None, []
    try:
        catalogue = Catalogue.model_validate(raw)
    except ValidationError as error:
        findings = [_finding(detail) for detail in error.errors(include_url=False) if not _is_echo(detail)]
    draft = draft_of(raw, lines)
    findings.extend(chain(references(draft), timetable(draft), unplanned(draft), routes(draft)))
    if findings or catalogue is None:
        faults = {Fault(lines.of(path), _where(path, raw), what) for path, what in findings}
        raise CatalogueError(name, tuple(sorted(faults)))
    return catalogue


def _parsed(text: str, name: str) -> tuple[Mapping[str, Any], Lines]:
    if len(text) > _BYTES_MAX:
        raise CatalogueError(name, (Fault(0, name, f"is longer than {_BYTES_MAX} characters"),))
    try:
        raw = {key: _as_tuples(value) for key, value in tomllib.loads(text).items()}
        return raw, lines_of(text)
    except RecursionError:
        raise CatalogueError(name, (Fault(0, name, "is nested too deeply"),)) from None
    # Not only TOMLDecodeError: a whole number of thousands of digits is refused by Python itself.
    except ValueError as error:
        raise CatalogueError(name, (_syntax_fault(str(error), text, name),)) from None


def _syntax_fault(message: str, text: str, name: str) -> Fault:
    found = re.search(r" \(at line (\d+), column \d+\)$", message)
    line = int(found[1]) if found else text.rstrip().count("\n") + 1
    what = re.sub(r" \(at (line \d+, column (?P<column>\d+)|end of document)\)$", "", message)
    place = "" if found else ", or what was begun above is never ended"
    return Fault(line, name, f"is not TOML: {what}{place}")


def _as_tuples(value: Any) -> Any:
    """Arrays as tuples: frozen parts hold nothing that can be changed."""
    if isinstance(value, dict):
        return {key: _as_tuples(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(_as_tuples(inner) for inner in value)
    return value


def _finding(detail: ErrorDetails) -> Finding:
    return Finding(tuple(detail["loc"]), _OUR_WORDS.get(detail["type"]) or _said(detail))


def _is_echo(detail: ErrorDetails) -> bool:
    """Pydantic calls an array too short whose elements are wrong: what is wrong with them is told already."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _said(detail: ErrorDetails) -> str:
    facts = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return str(facts["error"])
    if detail["type"] == "string_pattern_mismatch":
        return f"{detail['input']!r} does not have the form {facts['pattern']}"
    return re.sub(r"^Input ", "", detail["msg"])


def _where(path: Path, raw: Mapping[str, Any]) -> str:
    """The path as a reader says it: `partners[p03].name`, or `#4` for the fourth of what has no code."""
    said, value = "", raw
    for step in path:
        value = _step(value, step)
        if isinstance(step, str):
            said += f".{step}" if said else step
        else:
            said += f"[{_called(value) or f'#{step + 1}'}]"
    return said


def _step(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (LookupError, TypeError):
        return None


def _called(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    for key in ("code", "id"):
        if isinstance(value, Mapping) and isinstance(value.get(key), str):
            return str(value[key])
    return None
