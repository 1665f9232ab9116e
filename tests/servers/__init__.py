"""Real servers for tests, each on a UNIX socket in a throwaway folder: Valkey and PostgreSQL."""

from tests.servers.postgresql import Postgresql, fresh_database, running_postgresql
from tests.servers.server import ServerFailed, ServerUnavailable
from tests.servers.valkey import Valkey, running_valkey

__all__ = [
    "Postgresql",
    "ServerFailed",
    "ServerUnavailable",
    "Valkey",
    "fresh_database",
    "running_postgresql",
    "running_valkey",
]
