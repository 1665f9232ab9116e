"""Says when a checkpoint moved: `python -m benchmarks.watch FILE TOPIC POSITION`, a process of its own.

It looks every quarter of a millisecond and prints `[position, seconds of the monotonic clock]` for each move, at
the end: what it costs is its own share of a core, and nothing to the service that it watches.
"""

import json
import sys
import time
from pathlib import Path

from benchmarks.processes import Checkpoints

LOOK_EVERY_S = 0.00025
WATCH_S_MAX = 120.0


def main() -> None:
    """Watch until the checkpoint is at the position; the first line printed says that it has begun."""
    file, topic, end = sys.argv[1:]
    found = Checkpoints(Path(file))
    moves: list[tuple[int, float]] = []
    last = found.position(topic)
    print("watching", flush=True)
    until = time.monotonic() + WATCH_S_MAX
    while last < int(end) and time.monotonic() < until:
        position = found.position(topic)
        if position != last:
            moves.append((position, time.monotonic()))
            last = position
        time.sleep(LOOK_EVERY_S)
    print(json.dumps(moves))


if __name__ == "__main__":
    main()
