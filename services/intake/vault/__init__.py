"""The vault: who a person is and what is written about a case, sealed under one key each, and who read it.

Two databases of its own. `vault` holds what is sealed, the keyed index of names and the audit trail; `keys`
holds the data keys, wrapped by a master key that lies in a file. Without the second the first says nothing:
deleting one data key forgets one person, wherever copies of the first may lie.
"""

from services.intake.vault.audit import Access
from services.intake.vault.identity import FIELDS, Identity
from services.intake.vault.master import MasterKeys, NoMasterKey, RotationRefused
from services.intake.vault.search import Match
from services.intake.vault.vault import Erased, Note, PersonUnknown, Vault

__all__ = [
    "FIELDS",
    "Access",
    "Erased",
    "Identity",
    "MasterKeys",
    "Match",
    "NoMasterKey",
    "Note",
    "PersonUnknown",
    "RotationRefused",
    "Vault",
]
