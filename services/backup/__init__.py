"""A house put aside and brought back: `maison backup` and `maison restore`, on both stores.

A backup is a folder with a manifest, and within it, or wherever it is told to be, a folder of the keys: what opens
the vault. Read `making.py` and `restoring.py`, then the two stores.
"""

from services.backup.making import back_up
from services.backup.manifest import Refused
from services.backup.restoring import restore

__all__ = ["Refused", "back_up", "restore"]
