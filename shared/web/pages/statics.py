"""Styles and scripts: under an address that names their content, so that a browser may keep them for a year.

They are compressed once, when the first of them is asked for, and kept in memory: there are few and they are small.
"""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parents[1] / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
"""What is served; anything else in the folders (licences, lists) stays there."""
KEEP = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
HASH_LENGTH = 16


@dataclass(frozen=True)
class _File:
    address: str
    content_type: str
    plain: bytes
    packed: bytes


class Statics:
    """The files of one service: those of all pages, and its own in `folders`. Names are unique.

    The service stands in their addresses: a proxy with one name for all three has to know whom to ask.
    """

    def __init__(self, service: str, folders: Sequence[Path] = ()) -> None:
        self._service, self._folders = service, (FOLDER, *folders)

    @cached_property
    def _files(self) -> dict[str, _File]:
        found: dict[str, _File] = {}
        for folder in self._folders:
            for path in sorted(folder.glob("*")):
                if path.suffix in TYPES:
                    assert path.name not in found, f"two files are called {path.name}"
                    found[path.name] = _read(self._service, path)
        return found

    def address(self, name: str) -> str:
        """Where a file is served. Raises `KeyError` for a file that there is not."""
        return self._files[name].address

    async def answer(self, request: Request) -> Response:
        """A file, if it is asked for by the address of today's content; 404 for anything else."""
        file = self._files.get(request.path_params["name"])
        if file is None or request.url.path != file.address:
            return Response("No such file\n", 404, media_type="text/plain")
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.packed, 200, {**KEEP, "Content-Encoding": "gzip"}, file.content_type)
        return Response(file.plain, 200, KEEP, file.content_type)


def _read(service: str, path: Path) -> _File:
    plain = path.read_bytes()
    place = hashlib.sha256(plain).hexdigest()[:HASH_LENGTH]
    address = f"/static/{service}/{place}/{path.name}"
    return _File(address, TYPES[path.suffix], plain, gzip.compress(plain, 9, mtime=0))
