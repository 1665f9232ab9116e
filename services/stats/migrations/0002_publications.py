"""Figures as they were published."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the publications; as in the log, what is there is never changed."""
    key = ("figure", "dimension", "grain", "site", "period", "value")
    op.create_table(
        "publications",
        *(sa.Column(name, sa.Text, primary_key=True) for name in key),
        sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("withheld", sa.Boolean, nullable=False),
        sa.Column("published_on", sa.Text, nullable=False),
    )
