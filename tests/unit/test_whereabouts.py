"""Finding a house: by the card of its data folder, or by the addresses of its parts."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.house import card_path
from services.whereabouts import find_house, without_password
from shared.settings import Settings

ADDRESSES: dict[str, Any] = {
    "intake_url": "http://intake:8001",
    "referral_url": "http://referral:8002/",
    "stats_url": "http://stats:8003",
}


def test_a_house_in_containers_is_found_by_its_addresses(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, redis_url="redis://operations:hush@valkey:6379", **ADDRESSES)
    assert find_house(settings) == {
        "services": {
            "intake": {"pid": None, "url": "http://intake:8001"},
            "referral": {"pid": None, "url": "http://referral:8002"},
            "stats": {"pid": None, "url": "http://stats:8003"},
        },
        "bus": {"pid": None, "url": "redis://valkey:6379"},
    }


def test_the_card_of_the_data_folder_goes_before_addresses(tmp_path: Path) -> None:
    card_path(tmp_path).write_text(json.dumps({"services": {}, "bus": {}}))
    assert find_house(Settings(data=tmp_path, **ADDRESSES)) == {"services": {}, "bus": {}}


@pytest.mark.parametrize("absent", ADDRESSES)
def test_half_an_address_is_none(tmp_path: Path, absent: str) -> None:
    given: dict[str, Any] = {name: url for name, url in ADDRESSES.items() if name != absent}
    assert find_house(Settings(data=tmp_path, **given)) is None


@pytest.mark.parametrize("url", ["redis://valkey:6379/0", "redis+sentinel://u:p@a:1,b:2/house", "", "rediss://:p@v:1"])
def test_an_address_is_shown_without_its_password(url: str) -> None:
    assert ":p@" not in without_password(url)
