"""The log."""

from alembic import context

from shared.log.schema import create_log
from shared.subscription.schema import create_checkpoints

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the log and the checkpoints of the topics that this service hears."""
    create_log(context.config.attributes["partitions"])
    create_checkpoints()
