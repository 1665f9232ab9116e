"""Bring every database of the house to the schema of this release, before the services of this release start."""

import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from sqlalchemy.exc import OperationalError

from services import SERVICES
from services.intake.vault import vault
from shared.migrations import migrate
from shared.settings import Settings

WAIT_S_MAX = 60.0
"""A database that starts at the same time as we is waited for."""
LOOK_EVERY_S = 0.5


def migrate_all(settings: Settings, wait_s: float = WAIT_S_MAX) -> Iterator[tuple[str, str]]:
    """Migrate one database after another; yields `(name, version)`. Raises `OperationalError` when none answers."""
    until = time.monotonic() + wait_s
    for name, versions, newest in _schemas():
        while True:
            try:
                migrate(settings.database(name), name, versions, newest)
                break
            except OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(LOOK_EVERY_S)
        yield name, newest


def _schemas() -> Iterator[tuple[str, Path, str]]:
    for name in SERVICES:
        schema = import_module(f"services.{name}.app").SCHEMA
        yield name, schema.versions, schema.newest
    for name in vault.NEWEST:
        yield name, vault.VERSIONS[name], vault.NEWEST[name]
