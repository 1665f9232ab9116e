"""How the address of the bus is read."""

import pytest

from shared.bus_address import CLUSTER, SENTINEL, several


@pytest.mark.parametrize("url", ["redis://bus:6379/0", "rediss://u:p@bus", "unix:///run/valkey.sock"])
def test_one_server_is_left_to_the_client(url: str) -> None:
    assert several(url) is None


def test_sentinels_tell_the_primary_of_a_name() -> None:
    found = several("redis+sentinel://intake:se%40cret@s1:1000,s2/house")
    assert found == (SENTINEL, [("s1", 1000), ("s2", 26379)], "house", {"username": "intake", "password": "se@cret"})


def test_a_cluster_is_found_by_any_of_its_nodes() -> None:
    assert several("redis+cluster://n1,n2:7001") == (CLUSTER, [("n1", 6379), ("n2", 7001)], "", {})


@pytest.mark.parametrize("url", ["redis+sentinel://s1:1000", "redis+cluster:///", "redis+cluster://n1/house"])
def test_an_address_that_lacks_something_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="MAISON_REDIS_URL"):
        several(url)
