"""The append-only event log: the record of everything a service knows.

Inside a partition events are numbered 1, 2, 3 ... in the order of their commits, without holes. Read `log.py`
for what can be asked of it, `writing.py` for how an append becomes rows, `sqlite.py` and `postgresql.py` for
the little in which the stores differ.
"""

from shared.log.append import (
    ANY,
    NEW,
    AlreadyAnswered,
    Answer,
    Append,
    Appended,
    KeyReused,
    VersionConflict,
)
from shared.log.log import Entry, Log, partition_of

__all__ = [
    "ANY",
    "NEW",
    "AlreadyAnswered",
    "Answer",
    "Append",
    "Appended",
    "Entry",
    "KeyReused",
    "Log",
    "VersionConflict",
    "partition_of",
]
