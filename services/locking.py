"""Who has a data folder to himself: one house, one backup of a house at rest, or one restore."""

import fcntl
from pathlib import Path
from typing import IO

RESTORING = "restoring"
"""A folder in the data folder as long as a backup is being put in place there: no house starts beside it."""


def take_lock(data: Path) -> IO[str] | None:
    """The lock of a data folder, to be closed; None where somebody has it."""
    lock = (data / "house.lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock
