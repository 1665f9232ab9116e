"""The part of migrating that needs alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def run(url: str, service: str, versions: Path, newest: str) -> None:
    """Upgrade one service's database to `newest`."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "os")
    config.attributes["url"], config.attributes["service"] = url, service
    command.upgrade(config, newest)
