"""Idempotency keys: a request that is sent again, because its answer was lost, is not carried out again."""

import re
from collections.abc import Mapping
from hashlib import sha256

from shared.web.problems import Problem

_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
KEY_PATTERN = r'^(?:"[\x21\x23-\x7e]{1,255}"|[\x21\x23-\x7e]{1,255})$'
"""What the contract says of a key: bare, or in quotes as a structured field."""


class InFlight:
    """The keys whose first request is still being worked on in this process."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def hold(self, key: str | None) -> "_Held":
        """Keep twins out. Raises the 409 problem when one is under way."""
        if key in self._keys:
            raise Problem(
                409, "twin-in-progress", "The same request is still running",
                "Wait for its answer, or send it again in a moment with the same key.",
                headers={"Retry-After": "1"},
            )  # fmt: skip
        return _Held(self._keys, key)


class _Held:
    """One key while its request is worked on; None holds nothing. A generator would cost three times as much."""

    __slots__ = ("_key", "_keys")

    def __init__(self, keys: set[str], key: str | None) -> None:
        self._keys, self._key = keys, key

    def __enter__(self) -> None:
        if self._key is not None:
            self._keys.add(self._key)

    def __exit__(self, *_: object) -> None:
        if self._key is not None:
            self._keys.discard(self._key)


def key_from(headers: Mapping[bytes, bytes], scope: str) -> str | None:
    """The request's key within a route's scope; None when it has none. Raises the 400 problem for an unusable one."""
    raw = headers.get(b"idempotency-key")
    if raw is None:
        return None
    # Structured-field syntax puts the key in quotes; both forms are one key.
    return scoped(raw.decode("latin-1").strip('"'), scope)


def scoped(key: str, scope: str) -> str:
    """A key within a route's scope. Raises the 400 problem."""
    if not _KEY.match(key):
        raise Problem(
            400, "unusable-key", "Unusable Idempotency-Key", "Use 1 to 255 visible ASCII characters, such as a UUID.",
            [{"field": "Idempotency-Key", "detail": "Use 1 to 255 visible ASCII characters."}],
        )  # fmt: skip
    return f"{scope}:{key}"


def fingerprint(canonical: bytes) -> bytes:
    """What a request is recognised by: SHA-256 of its canonical body."""
    return sha256(canonical).digest()
