"""The trails for those who watch over them: read page by page, and their heads signed, to be kept elsewhere.

A chain shows that a record inside it was changed. That its end was cut off shows only against a head that was taken
away before: whoever can rewrite the database should not be able to rewrite that too.
"""

import base64
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select

from services.intake.chain import Chain
from services.intake.vault.tables import AUDIT
from shared.whole_files import make_once

KEY_FILE = "audit.key"
PAGE_MAX = 200


class SignedHead(NamedTuple):
    """Where the trail ended at a moment. `signature`: Ed25519 over the other members, as base64."""

    sequence: int
    hash: str
    at: str
    signature: str


class Signer:
    """Signs heads with the key of the data folder, which the first signing makes."""

    def __init__(self, data: Path) -> None:
        self._path = data / KEY_FILE

    @property
    def public_key(self) -> str:
        """What a signature is checked with, as base64."""
        return base64.b64encode(self._key().public_key().public_bytes_raw()).decode()

    def sign(self, purpose: str, sequence: int, digest: str, at: str) -> SignedHead:
        """The head, signed as one of the trail that `purpose` names."""
        signature = self._key().sign(_signed(purpose, sequence, digest, at))
        return SignedHead(sequence, digest, at, base64.b64encode(signature).decode())

    def is_ours(self, purpose: str, head: SignedHead) -> bool:
        """Whether we signed this head, as one of that trail."""
        try:
            signature = base64.b64decode(head.signature, validate=True)
            self._key().public_key().verify(signature, _signed(purpose, head.sequence, head.hash, head.at))
        except (InvalidSignature, ValueError):
            return False
        return True

    def _key(self) -> Ed25519PrivateKey:
        kept = make_once(self._path, lambda: base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()))
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(kept))


def head(connection: Connection, trail: Chain) -> tuple[int, str]:
    """The last record's number and hash."""
    row = connection.execute(select(trail.head)).one()
    return row.sequence, bytes(row.hash).hex()


def page(connection: Connection, before: int | None) -> list[dict[str, Any]]:
    """The newest records, or those before one of them, each with its number."""
    query = select(AUDIT.c.sequence, AUDIT.c.entry).order_by(AUDIT.c.sequence.desc()).limit(PAGE_MAX)
    if before is not None:
        query = query.where(AUDIT.c.sequence < before)
    return [{"sequence": row.sequence, **msgspec.json.decode(row.entry)} for row in connection.execute(query)]


def agrees(connection: Connection, trail: Chain, taken: SignedHead) -> bool:
    """Whether today's trail goes on from a head that was taken before; one that was purged since, by its age, does."""
    row = connection.execute(select(trail.head)).one()
    if taken.sequence < row.purged_to:
        return True
    if taken.sequence == row.purged_to:
        return bytes(row.purged_hash).hex() == taken.hash
    columns = trail.records.c
    found = connection.execute(select(columns.hash).where(columns.sequence == taken.sequence)).scalar()
    return found is not None and bytes(found).hex() == taken.hash


def _signed(purpose: str, sequence: int, digest: str, at: str) -> bytes:
    return msgspec.json.encode([purpose, sequence, digest, at])
