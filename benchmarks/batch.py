"""`POST /visits/batch`, NDJSON by 1,000, against the same service's single `POST /visits`."""

from benchmarks import post_visits
from benchmarks.load import drive
from benchmarks.processes import service
from benchmarks.servers import folder, valkey

LINES = 1000
CONNECTIONS = 2
"""One batch is read while the one before it is written."""
LINE = b'{"channel": "in_person", "requests": [{"category": "social_rights"}], "idempotency_key": "@KEY@"}\n'
SINGLE_SHARE = 10


def limit(count: int) -> float:
    """Visits a second by single requests; a tenth of the visits, for they take ten times as long."""
    return post_visits.ours(count // SINGLE_SHARE)


def ours(count: int) -> float:
    """Visits a second by batches, every line under a key of its own, all on disk when a batch is answered."""
    with folder() as home, valkey() as server, service("intake", home, server) as intake:
        return posted_rate(intake.url, count)


def posted_rate(url: str, count: int) -> float:
    """Visits a second by batches of 1,000 lines."""
    load = drive(
        f"{url}/visits/batch",
        LINE * LINES,
        requests=count // LINES,
        connections=CONNECTIONS,
        content_type="application/x-ndjson",
    )
    assert load.statuses == {"200": count // LINES}, load.statuses
    return load.rate * LINES
