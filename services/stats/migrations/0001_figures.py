"""The counters and the checkpoints."""

import sqlalchemy as sa
from alembic import op

from shared.subscription.schema import create_checkpoints

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the figures and the checkpoints of the topics that they are counted from."""
    create_checkpoints()
    key = ("figure", "dimension", "grain", "site", "period", "value")
    op.create_table(
        "figures",
        *(sa.Column(name, sa.Text, primary_key=True) for name in key),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
