"""`python -m services.alive PORT`: whether the service on this machine answers. A container's health check.

Alive, not ready: a house whose bus is down goes on taking visits, and whoever sends people elsewhere because of it
would stop them.
"""

import http.client
import sys

ANSWER_S_MAX = 3.0


def is_alive(port: int) -> bool:
    """Whether `/health/live` says so, in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S_MAX)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    raise SystemExit(0 if is_alive(int(sys.argv[1])) else 1)
