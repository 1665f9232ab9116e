"""Where the parts of the house answer: by the card in its data folder; where they share none, by their addresses."""

from typing import Any
from urllib.parse import urlsplit

from services import SERVICES
from services.house import read_card
from shared.settings import Settings


def find_house(settings: Settings) -> dict[str, Any] | None:
    """`{"services": {name: {"pid", "url"}}, "bus": {"pid", "url"}}`; None when no house is known of.

    Elsewhere than on this machine a process has no number for us: `pid` is None then.
    """
    card = read_card(settings.data)
    addresses = {name: settings.address(name) for name in SERVICES}
    if card is not None or not all(addresses.values()):
        return card
    return {
        "services": {name: {"pid": None, "url": url} for name, url in addresses.items()},
        "bus": {"pid": None, "url": without_password(settings.redis_url)},
    }


def without_password(url: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
