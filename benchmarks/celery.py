"""Routed and counted, with SQL durability, against Celery doing the same on Redis alone: a task an event."""

from benchmarks import peer, pipeline

# It warns when it is run as root, as in a container.
QUIET = ("-W", "ignore", "-m", "celery", "--quiet")
WORKER = (*QUIET, "--app", "benchmarks.celery_worker", "worker", "--loglevel", "ERROR")
# Visits of ours for each task of the peer's.
MORE = 20
SOLO = ("--pool", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat")


def limit(count: int) -> float:
    """Tasks a second of one solo worker that drains a full queue."""
    return peer.drained_rate("benchmarks.celery_worker", (*WORKER, *SOLO), count)


def ours(count: int) -> float:
    """Visits a second through referral and stats; more of them than the peer gets, or the time is too short."""
    return pipeline.rate(count * MORE)
