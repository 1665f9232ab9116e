"""The figures, in the order in which they are measured, each with its goal."""

from benchmarks import (
    append_postgresql,
    append_sqlite,
    batch,
    celery,
    fsync,
    growth,
    latency,
    post_visits,
    queries,
    referral,
    relay,
    stats,
    taskiq,
)
from benchmarks.figure import Figure

FIGURES = (
    Figure("append_sqlite", append_sqlite.limit, append_sqlite.ours, 60_000, 10_000, goal=0.60),
    Figure("append_postgresql", append_postgresql.limit, append_postgresql.ours, 60_000, 10_000, goal=0.60),
    Figure("relay", relay.limit, relay.ours, 60_000, 10_000, goal=0.75),
    Figure("referral", referral.limit, referral.ours, 60_000, 10_000, goal=0.40),
    Figure("stats", stats.limit, stats.ours, 100_000, 20_000, goal=0.75),
    Figure("post_visits", post_visits.limit, post_visits.ours, 30_000, 5_000, goal=0.60),
    Figure("batch", batch.limit, batch.ours, 100_000, 30_000, goal=12.0),
    Figure("latency_p50", fsync.three, latency.p50, 700, 200, goal=4.0, unit="ms", at_most=True),
    Figure("latency_routed_p50", fsync.three, latency.routed_p50, 700, 200, goal=4.0, unit="ms", at_most=True),
    Figure("latency_p99_ms", None, latency.p99, 700, 200, goal=8.0, unit="ms", at_most=True),
    Figure("celery", celery.limit, celery.ours, 2_000, 500, goal=50.0),
    Figure("taskiq", taskiq.limit, taskiq.ours, 5_000, 1_500, goal=20.0),
    Figure("growth", growth.limit, growth.ours, 1_000_000, 100_000, goal=0.85, rounds=1),
    Figure("memory_mb", None, growth.memory_mb, 1_000_000, 100_000, goal=400.0, unit=" MB", at_most=True, rounds=1),
    Figure("entry_bytes", None, growth.entry_bytes, 1_000_000, 100_000, goal=500.0, unit=" B", at_most=True, rounds=1),
    Figure("query_p99_ms", None, queries.p99, 3_000, 500, goal=5.0, unit="ms", at_most=True),
)
