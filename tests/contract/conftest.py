"""Here a database on PostgreSQL comes with the tables of this release: to make them takes longer than most tests do."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from tests.servers import fresh_database


@pytest.fixture
def postgres_url(postgresql: URL, founded_database: str) -> Iterator[str]:
    """A fresh database of the test's own on PostgreSQL, in which nothing has happened yet."""
    with fresh_database(postgresql, founded_database) as url:
        yield url
