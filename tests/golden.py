"""Golden events: each published type as it was stored once, to be read for good.

`python -m tests.golden` adds what is missing: a file for a new type, a document for a new member. It changes none
that is there, and neither does anybody else: what has been stored somewhere looks like that for ever.
"""

import json
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from shared.envelope import Envelope, encode
from shared.events import EVENT_TYPES, Event

FOLDER = Path(__file__).parent / "contract" / "golden"


def kept(event_type: str) -> list[dict[str, Any]]:
    """The documents of a type, oldest first; none for a type that was never kept."""
    path = FOLDER / f"{event_type}.json"
    return json.loads(path.read_text()) if path.exists() else []


def unseen(event: type[Event]) -> set[str]:
    """The members of an event, and of what is inside it, that no document of it shows."""
    shown = {path for document in kept(event.event_type) for path in _shown(document["data"])}
    return _members(event) - shown


def add_missing() -> list[str]:
    """Keep what has not been kept; the types that were added to."""
    added = []
    for event_type, event in EVENT_TYPES.items():
        documents = kept(event_type)
        if not documents:
            documents.append(_document(event, whole=False))
        if _members(event) - {path for document in documents for path in _shown(document["data"])}:
            documents.append(_document(event, whole=True))
        if documents != kept(event_type):
            (FOLDER / f"{event_type}.json").write_text(json.dumps(documents, indent=1, ensure_ascii=False) + "\n")
            added.append(event_type)
    return added


def _document(event: type[Event], *, whole: bool) -> dict[str, Any]:
    source = event.event_type.partition(".")[0]
    data = msgspec.Raw(encode(msgspec.convert(_example(event, "", whole=whole), event)))
    at, recorded = "2008-03-11T09:30:00.000+01:00", "2008-03-11T08:30:00.250Z"
    place = (f"{source}-invented", at, recorded, "0000000007", 2)
    return json.loads(encode(Envelope("1.0", f"{source}:0:7", source, event.event_type, *place, data)))  # type: ignore[no-any-return]


def _members(kind: Any, path: str = "") -> set[str]:
    found = set()
    for name, hint in get_type_hints(kind).items() if _is_struct(kind) else ():
        if name in kind.__struct_fields__:
            found |= {f"{path}{name}"} | {one for inner in _inside(hint) for one in _members(inner, f"{path}{name}.")}
    return found


def _shown(data: Any, path: str = "") -> set[str]:
    if isinstance(data, list):
        return {one for each in data for one in _shown(each, path)}
    if not isinstance(data, dict):
        return set()
    return {f"{path}{name}" for name in data} | {
        one for name, value in data.items() for one in _shown(value, f"{path}{name}.")
    }


def _example(hint: Any, name: str, *, whole: bool) -> Any:
    """A value that is not the default, plainly invented."""
    inner = _inside(hint)
    if _is_struct(hint):
        fields = msgspec.structs.fields(hint)
        return {one.name: _example(one.type, one.name, whole=whole) for one in fields if whole or one.required}
    if get_origin(hint) is tuple:
        return [_example(inner[0], name, whole=whole)]
    if inner:
        return _example(inner[0], name, whole=whole)
    if hint is bool:
        return True
    if hint is int:
        return 3
    if name.endswith(("_on", "_day")):
        return "2008-03-12"
    return "2008-03-12T14:00:00.000+01:00" if name.endswith("_at") else f"invented-{name.replace('_', '-')}"


def _inside(hint: Any) -> list[Any]:
    if _is_struct(hint):
        return [hint]
    if get_origin(hint) in (Union, UnionType, tuple):
        return [one for one in get_args(hint) if one not in (NoneType, Ellipsis)]
    return []


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


if __name__ == "__main__":
    sys.stdout.writelines(f"{event_type}\n" for event_type in add_missing())
