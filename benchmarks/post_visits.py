"""`POST /visits`, durable, against an application that does nothing on the same HTTP server."""

from benchmarks import noop
from benchmarks.load import Load, drive
from benchmarks.processes import service
from benchmarks.servers import folder, valkey

VISIT = b'{"channel": "in_person", "requests": [{"category": "social_rights"}]}'
WARM_UP = 1000


def limit(count: int) -> float:
    """Answers a second from the application that does nothing, to the same requests."""
    with noop.running() as url:
        return post(url, count).rate


def ours(count: int) -> float:
    """Visits a second that intake has on disk when it answers."""
    with folder() as home, valkey() as server, service("intake", home, server) as intake:
        load = post(f"{intake.url}/visits", count)
        assert load.statuses == {"201": count}, load.statuses
        return load.rate


def post(url: str, count: int) -> Load:
    """64 desks post visits as fast as they are answered, each under a fresh key, after a warm-up."""
    drive(url, VISIT, requests=WARM_UP, keys=True)
    return drive(url, VISIT, requests=count, keys=True)
