"""One street for all tests of this folder, and a street of its own for a test that breaks things."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.servers import Valkey, running_valkey
from tests.service.street import Street, open_street


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory, settings_from_outside: object) -> Iterator[Street]:
    """The three services. Shared: a test looks at what it recorded itself, and at differences."""
    with running_valkey() as bus, open_street(tmp_path_factory.mktemp("street"), bus) as opened:
        yield opened


@pytest.fixture
def own_street(tmp_path: Path, valkey: Valkey) -> Iterator[Street]:
    """The three services for one test alone: its bus may be emptied, its servers stopped."""
    with open_street(tmp_path / "data", valkey) as opened:
        yield opened


@pytest.fixture
def unique() -> str:
    """A word that no other test uses: for idempotency keys."""
    return str(uuid4())
