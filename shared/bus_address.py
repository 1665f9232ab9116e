"""Where the bus is, and how it is reached: one server, a primary that Sentinels know, or a Cluster.

`redis://host:port/0`, `rediss://...`, `unix:///path`
`redis+sentinel://user:password@sentinel:26379,sentinel:26379/name`: the primary that the Sentinels call `name`
`redis+cluster://user:password@node:6379,node:6379`: any nodes of the Cluster, which name the others
"""

from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

import redis as blocking
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

BUS_FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a client raises when the bus is away, full, or on its way from one server to another."""
ANSWER_S_MAX = 10
CONNECT_S_MAX = 3
SENTINEL, CLUSTER = "redis+sentinel", "redis+cluster"
BOUNDED: dict[str, Any] = {
    "protocol": 2,
    "socket_timeout": ANSWER_S_MAX,
    "socket_connect_timeout": CONNECT_S_MAX,
}
_PORTS = {SENTINEL: 26379, CLUSTER: 6379}


class Address(NamedTuple):
    """Several servers as one bus. `credentials`: user and password, as the client's own words for them."""

    scheme: str
    nodes: list[tuple[str, int]]
    name: str
    credentials: dict[str, str]


def several(url: str) -> Address | None:
    """What an address of Sentinels or of a Cluster says; None for one server. Raises `ValueError`."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        return None
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    credentials = {"username": unquote(user), "password": unquote(password)}
    nodes = [_node(host, _PORTS[parts.scheme]) for host in hosts.split(",")]
    name = parts.path.strip("/")
    if not hosts or (parts.scheme == SENTINEL) != bool(name):
        raise ValueError("MAISON_REDIS_URL: redis+sentinel://host:port,host:port/name or redis+cluster://host:port,...")
    return Address(parts.scheme, nodes, name, {word: value for word, value in credentials.items() if value})


class _Through(Redis):
    """The primary, as Sentinels tell it; closes the connections to them as well."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool: Any = self.connection_pool
        for watcher in pool.sentinel_manager.sentinels:
            await watcher.aclose()


class _BlockingThrough(blocking.Redis):
    """The same for whoever waits."""

    def close(self) -> None:
        super().close()
        pool: Any = self.connection_pool
        for watcher in pool.sentinel_manager.sentinels:
            watcher.close()


def connect(url: str, connections_max: int = 100) -> Redis:
    """A client that answers in bytes and never waits for ever: the callers retry, with their own bounds.

    Of a Cluster it is a `RedisCluster`, which answers to the same calls.
    """
    options: dict[str, Any] = {**BOUNDED, "retry": Retry(NoBackoff(), 1), "max_connections": connections_max}
    address = several(url)
    if address is None:
        return Redis.from_url(url, **options)
    return cast("Redis", _of_several(address, Sentinel, RedisCluster, ClusterNode, _Through, options))


def connect_blocking(url: str) -> blocking.Redis:
    """The same for whoever waits for each answer on a thread of their own."""
    options: dict[str, Any] = {**BOUNDED, "retry": Retry(NoBackoff(), 1)}
    address = several(url)
    if address is None:
        return blocking.Redis.from_url(url, **options)
    kinds = (blocking.Sentinel, blocking.RedisCluster, blocking.cluster.ClusterNode, _BlockingThrough)
    return cast("blocking.Redis", _of_several(address, *kinds, options))


def _of_several(address: Address, sentinel: Any, cluster: Any, node: Any, through: Any, options: dict[str, Any]) -> Any:
    options |= address.credentials
    if address.scheme == SENTINEL:
        watchers = sentinel(address.nodes, sentinel_kwargs=BOUNDED, **options)
        return watchers.master_for(address.name, redis_class=through)
    nodes = [node(host, port) for host, port in address.nodes]
    # While one part of a Cluster fails over, the others go on.
    return cluster(startup_nodes=nodes, require_full_coverage=False, **options)


def _node(host: str, port: int) -> tuple[str, int]:
    name, colon, number = host.rpartition(":")
    return (name, int(number)) if colon else (host, port)
