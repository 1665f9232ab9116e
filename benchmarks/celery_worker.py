"""The Celery side of the comparison; Celery's worker imports it, hence it is built while it is imported.

`python -m benchmarks.celery_worker COUNT` fills the queue.
"""

import sys

import redis
from celery import Celery

from benchmarks.entries import visit_entries
from benchmarks.peer import FIGURES, route, server

app = Celery("peer", broker=f"redis+socket://{server()}")
app.conf.task_ignore_result = True

_client = redis.Redis(unix_socket_path=server())


@app.task(name="handle")  # type: ignore[untyped-decorator]
def handle(entry: str) -> None:
    """Route one visit, hand it over and count it, in one round trip."""
    queue, category = route(entry)
    with _client.pipeline() as pipeline:
        pipeline.xadd(queue, {"__data__": entry})
        pipeline.hincrby(FIGURES, category, 1)
        pipeline.execute()


if __name__ == "__main__":
    for _, visit_entry in visit_entries(int(sys.argv[1])):
        handle.delay(visit_entry.decode())
