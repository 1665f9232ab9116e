"""The secrets of a house in containers, one file each: `python3 -m services.secret_files FOLDER` makes what is missing.

It needs nothing but Python, so that it can be run before anything is installed. What is there is never changed; the
users of the bus follow from their passwords and from this release, and are written anew each time.

The folder is for its owner alone, and so nobody else on the machine comes at the files. They themselves can be read
by everybody: a container sees the file without its folder, and runs as somebody who owns nothing here.
"""

import base64
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from shared.bus_users import USERS, acl_file

USERS_FILE = "valkey_users"
VAULT_KEY = "maison_vault_key"
"""The one that nothing can replace: whatever it sealed is lost with it."""
_FOLDER_MODE = 0o700
_FILE_MODE = 0o444

Known = Mapping[str, str]
"""The secrets that are there by now, by their names."""


def make_missing(folder: Path) -> Iterator[str]:
    """Make each secret that the folder lacks; yields the name of each file written. Raises `OSError`, `ValueError`."""
    folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)
    lost = not (folder / VAULT_KEY).exists()
    if lost and any((folder / name).exists() for name in _MADE):
        raise ValueError(f"{folder / VAULT_KEY} is gone, though others are there: put it back, a new one opens nothing")
    known: dict[str, str] = {}
    for name, make in _MADE.items():
        path = folder / name
        if not path.exists():
            _write(path, make(known))
            yield name
        path.chmod(_FILE_MODE)
        known[name] = path.read_text().strip()
    if _renew(folder / USERS_FILE, bus_users(folder)):
        yield USERS_FILE


def bus_users(folder: Path) -> str:
    """The ACL file for the bus, by the passwords in the folder. Raises `FileNotFoundError`, `ValueError`."""
    return acl_file({user: _password(folder / f"redis_url_{user}", user) for user in USERS})


def _random_word(_known: Known) -> str:
    return secrets.token_hex(32)


def _master_key(_known: Known) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _database_url(known: Known) -> str:
    return f"postgresql+psycopg://maison:{known['postgres_password']}@postgres/maison"


def _bus_url(user: str) -> Callable[[Known], str]:
    def make(_known: Known) -> str:
        return f"redis://{user}:{secrets.token_hex(32)}@valkey:6379"

    return make


# In this order: a later one may be made of an earlier one.
_MADE: Mapping[str, Callable[[Known], str]] = {
    VAULT_KEY: _master_key,
    "postgres_password": _random_word,
    "maison_database_url": _database_url,
    "maison_links_key": _random_word,
    "maison_house_key": _random_word,
    "maison_bi_password": _random_word,
    **{f"redis_url_{user}": _bus_url(user) for user in USERS},
    "grafana_password": _random_word,
}


def _password(path: Path, user: str) -> str:
    url = urlsplit(path.read_text().strip())
    if url.username != user or not url.password:
        raise ValueError(f"{path}: an address such as redis://{user}:password@valkey:6379 is expected")
    return url.password


def _renew(path: Path, text: str) -> bool:
    """Whether it said something else before. A running server goes on reading the old file until it starts again."""
    if path.exists() and path.read_text() == text:
        return False
    path.unlink(missing_ok=True)
    _write(path, text)
    return True


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        os.fchmod(descriptor, _FILE_MODE)


def main(arguments: list[str]) -> int:
    """Entry of `python3 -m services.secret_files FOLDER`."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python3 -m services.secret_files FOLDER\n")
        return 2
    try:
        for name in make_missing(Path(arguments[0])):
            sys.stdout.write(f"{name}\n")
    except (OSError, ValueError) as reason:
        sys.stderr.write(f"{reason}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
