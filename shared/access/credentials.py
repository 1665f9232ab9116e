"""What a request shows to be let in: a machine's token or a person's session.

Only their SHA-256 leaves this module: that is what is looked up, cached, asked over the wire and stored.
"""

import re
import secrets
import zlib
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from shared.web.problems import FieldError, Problem

PREFIX = "mai_"
COOKIE = "maison_session"
HEADERS_MAX = 64
HEADER_BYTES_MAX = 8 * 1024
_URLSAFE = r"[A-Za-z0-9_-]{43}"
_TOKEN = re.compile(rf"{PREFIX}({_URLSAFE})([0-9a-f]{{8}})".encode())
_SESSION = re.compile(_URLSAFE.encode())
_WATCHED = frozenset({b"authorization", b"cookie", b"sec-fetch-site", b"origin", b"host"})
_PLAIN = frozenset({b"host"})


class Kind(StrEnum):
    """What sort of credential it is."""

    TOKEN = "token"  # noqa: S105 - a word of ours
    SESSION = "session"


class Credential(NamedTuple):
    """A credential by its digest. `form` recognises the forms that were made for this session."""

    kind: Kind
    digest: bytes
    form: str = ""


class Shown(NamedTuple):
    """What of a request's head decides. `credential` None with `is_bad`: something was shown that is no credential."""

    credential: Credential | None = None
    is_bad: bool = False
    fetch_site: bytes = b""
    origin: bytes = b""
    host: bytes = b""


NOTHING = Shown()


def new_secret() -> str:
    """256 bits that nobody guesses, as 43 characters."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    """A machine's token. Its last eight characters check the others: what was copied badly is seen without a lookup."""
    secret = new_secret()
    return f"{PREFIX}{secret}{_check(secret.encode())}"


def digest_of(secret: str) -> bytes:
    """What is kept of a token or a session: a guess of 256 bits needs no slow hash."""
    return sha256(secret.encode()).digest()


def form_token(secret: str) -> str:
    """What a form carries to show that a page of this session made it. It says nothing of the session itself."""
    return sha256(b"form:" + secret.encode()).hexdigest()[:32]


def cookie_name(*, https: bool) -> str:
    """The session's cookie. `__Host-`: set by this host alone, over https alone, for no other host."""
    return f"__Host-{COOKIE}" if https else COOKIE


def shown_in(headers: Iterable[tuple[bytes, bytes]], cookie: bytes) -> Shown:
    """What a request shows. Raises the 431 problem for a head that is too large, the 400 one for a doubled header."""
    found: dict[bytes, bytes] = {}
    count = 0
    for name, value in headers:
        count += 1
        if len(value) > HEADER_BYTES_MAX:
            raise _too_large()
        if name in _WATCHED:
            # HTTP/2 in front may divide cookies among several headers; nothing else comes twice in good faith.
            if name in found and name != b"cookie":
                raise _doubled(name)
            found[name] = found[name] + b"; " + value if name in found else value
    if count > HEADERS_MAX:
        raise _too_large()
    if found.keys() <= _PLAIN:
        return NOTHING
    # A machine's token goes before a cookie: nobody is two people at once.
    credential, is_bad = _token(found[b"authorization"]) if b"authorization" in found else (None, False)
    if b"cookie" in found and b"authorization" not in found:
        credential = _session(found[b"cookie"], cookie)
    return Shown(
        credential, is_bad, found.get(b"sec-fetch-site", b""), found.get(b"origin", b""), found.get(b"host", b"")
    )


def _token(authorization: bytes) -> tuple[Credential | None, bool]:
    scheme, _, value = authorization.partition(b" ")
    match = _TOKEN.fullmatch(value.strip(b" "))
    if scheme.lower() != b"bearer" or match is None or _check(match[1]).encode() != match[2]:
        return None, True
    return Credential(Kind.TOKEN, sha256(match[0]).digest()), False


def _session(cookies: bytes, name: bytes) -> Credential | None:
    """The session of a browser. A stale one is none; two of them are none: one would be somebody else's."""
    values = [value for key, _, value in (part.strip().partition(b"=") for part in cookies.split(b";")) if key == name]
    if len(values) != 1 or not _SESSION.fullmatch(values[0]):
        return None
    secret = values[0].decode()
    return Credential(Kind.SESSION, digest_of(secret), form_token(secret))


def _check(secret: bytes) -> str:
    return f"{zlib.crc32(secret):08x}"


def _doubled(name: bytes) -> Problem:
    header = name.decode().title()
    once: list[FieldError] = [{"field": header, "detail": "Send it once."}]
    return Problem(400, "doubled-header", "A header came twice", f"Send {header} once.", once)


def _too_large() -> Problem:
    detail = f"At most {HEADERS_MAX} headers of {HEADER_BYTES_MAX} bytes each are taken. Send less."
    return Problem(431, "headers-too-large", "Headers too large", detail)
