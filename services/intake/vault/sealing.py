"""Sealing: AES-256-GCM, each value bound to the place that it was sealed for."""

import secrets
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
_FORM = "maison-vault-1"


class Unsealable(Exception):
    """Sealed under another key, for another place, or changed since."""


class Place(NamedTuple):
    """What a value is: whose (a person's or a case's id), which field, which version of it."""

    owner: str
    field: str
    version: int

    def bound(self) -> bytes:
        """The associated data. A list in JSON: no two places are written alike."""
        return msgspec.json.encode([_FORM, *self])


def new_key() -> bytes:
    """256 bits of chance."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, place: Place, value: bytes) -> bytes:
    """The nonce, 96 bits of chance for every sealing, and the value behind it."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, place.bound())


def unseal(key: bytes, place: Place, sealed: bytes) -> bytes:
    """The value again. Raises `Unsealable`."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.bound())
    except (InvalidTag, ValueError) as error:
        # A nonce that was cut short is no `InvalidTag`.
        raise Unsealable(f"{place.field} cannot be opened") from error
