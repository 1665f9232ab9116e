"""What the disk asks for a commit: the raw fsync that latencies are compared with."""

import os
import time
from statistics import median

from benchmarks.servers import folder

PAGE_BYTES = 4096


def limit(count: int) -> float:
    """Median milliseconds of `fdatasync` after a 4 KiB append, of `count` in a row."""
    page = os.urandom(PAGE_BYTES)
    with folder() as home, (home / "appended").open("wb", buffering=0) as file:
        return median(_timed_append_ms(file.fileno(), page) for _ in range(count))


def three(count: int) -> float:
    """What three commits, one in each service that a visit passes, cost at least."""
    return 3 * limit(count)


def _timed_append_ms(descriptor: int, page: bytes) -> float:
    os.write(descriptor, page)
    started = time.perf_counter()
    # macOS has no fdatasync.
    getattr(os, "fdatasync", os.fsync)(descriptor)
    return (time.perf_counter() - started) * 1000
