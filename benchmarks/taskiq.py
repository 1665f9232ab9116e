"""Routed and counted, with SQL durability, against taskiq doing the same on Redis alone: a task an event."""

from benchmarks import peer, pipeline

# Visits of ours for each task of the peer's.
MORE = 8
WORKER = (
    "-m",
    "taskiq",
    "worker",
    "benchmarks.taskiq_worker:broker",
    "--workers",
    "1",
    "--log-level",
    "ERROR",
)


def limit(count: int) -> float:
    """Tasks a second of one worker process on a Redis stream, draining a full queue."""
    return peer.drained_rate("benchmarks.taskiq_worker", WORKER, count)


def ours(count: int) -> float:
    """Visits a second through referral and stats; more of them than the peer gets, or the time is too short."""
    return pipeline.rate(count * MORE)
