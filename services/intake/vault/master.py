"""The master keys: a file of the data folder, or a secret that the operator hands in. They wrap the data keys.

One key a line, the one in force first. The lines behind it open what has not been wrapped again yet.
"""

import base64
import binascii
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from services.intake.vault.sealing import KEY_BYTES, Place, Unsealable, new_key, seal, unseal
from shared.whole_files import make_once, put

_WRAPPED = "data-key"


class NoMasterKey(RuntimeError):
    """The key that something was wrapped by is not at hand."""


class RotationRefused(RuntimeError):
    """The master key is not ours to make."""


class MasterKey(NamedTuple):
    """A key, and the name that wrapped keys know it by: sixteen digits of its SHA-256."""

    name: str
    key: bytes

    def wrap(self, owner: str, data_key: bytes) -> bytes:
        """A data key, sealed for its owner."""
        return seal(self.key, Place(owner, _WRAPPED, 1), data_key)

    def unwrap(self, owner: str, wrapped: bytes) -> bytes:
        """The data key again. Raises `Unsealable`."""
        return unseal(self.key, Place(owner, _WRAPPED, 1), wrapped)


class MasterKeys:
    """The keys at hand. With a `path` they may change while the service runs: rotation by another replica."""

    def __init__(self, read: Callable[[], str], path: Path | None = None) -> None:
        self._read, self._path = read, path
        self._keys = _parse(read())

    @classmethod
    def of(cls, secret: str, path: Path) -> "MasterKeys":
        """The secret, if there is one; else the file, which the first start makes. Raises `NoMasterKey`."""
        if secret:
            return cls(lambda: secret)
        # Of two first starts, both use the one key.
        make_once(path, lambda: _lines([_new()]))
        return cls(path.read_text, path)

    def in_force(self) -> MasterKey:
        """What new data keys are wrapped by, looked up now: another replica may have turned it."""
        self._keys = _parse(self._read())
        return self._keys[0]

    def unwrap(self, name: str, owner: str, wrapped: bytes) -> bytes:
        """A data key that was wrapped by the master key of that name. Raises `NoMasterKey`."""
        found = self._find(name)
        if found is None:
            self._keys = _parse(self._read())
            found = self._find(name)
        if found is None:
            raise NoMasterKey(f"master key {name} is not at hand: put it back, as a line of its own")
        try:
            return found.unwrap(owner, wrapped)
        except Unsealable:
            raise NoMasterKey(f"a key wrapped by master key {name} was changed") from None

    def begin_rotation(self) -> None:
        """Put a new key in force, with the old ones behind it. Of a secret: its operator has done so already."""
        if self._path is not None:
            self._keep([_new(), *self._keys])
        elif len(self._keys) == 1:
            raise RotationRefused("put a new key before the old one in the secret, start again, and ask again")

    def end_rotation(self) -> None:
        """Let go of the old keys: nothing is wrapped by them any more."""
        if self._path is not None:
            self._keep(self._keys[:1])

    def _find(self, name: str) -> MasterKey | None:
        return next((key for key in self._keys if key.name == name), None)

    def _keep(self, keys: list[MasterKey]) -> None:
        assert self._path is not None
        # Either the old file or the new one, whenever the power fails.
        put(self._path, _lines(keys))
        self._keys = keys


def make_master_key() -> str:
    """A new master key, as it is written in the file or in a secret."""
    return _written(_new())


def _new() -> MasterKey:
    return _named(new_key())


def _named(key: bytes) -> MasterKey:
    return MasterKey(sha256(key).hexdigest()[:16], key)


def _written(key: MasterKey) -> str:
    return base64.urlsafe_b64encode(key.key).decode()


def _parse(text: str) -> list[MasterKey]:
    try:
        keys = [_named(base64.b64decode(line, altchars=b"-_", validate=True)) for line in text.split()]
    except binascii.Error:
        raise NoMasterKey("the vault's master key is not in base64") from None
    if not keys or any(len(key.key) != KEY_BYTES for key in keys):
        raise NoMasterKey(f"the vault's master key has {KEY_BYTES} bytes, in base64, one key a line")
    return keys


def _lines(keys: list[MasterKey]) -> bytes:
    return "".join(f"{_written(key)}\n" for key in keys).encode()
