"""FastStream's broker for the bus, whatever the bus consists of."""

from typing import Any

from faststream.redis import RedisBroker, RedisClusterBroker, RedisSentinelBroker

from shared.bus_address import BOUNDED, SENTINEL, several


def broker(url: str, **options: Any) -> RedisBroker:
    """FastStream's broker for this bus; `options` are its own."""
    address = several(url)
    if address is None:
        return RedisBroker(url, **options)
    options.update(address.credentials)
    if address.scheme == SENTINEL:
        return RedisSentinelBroker(
            sentinels=address.nodes, sentinel_master_name=address.name, sentinel_kwargs=BOUNDED, **options
        )
    (host, port), *others = address.nodes
    options["require_full_coverage"] = False
    return RedisClusterBroker(f"redis://{host}:{port}", startup_nodes=others, **options)
