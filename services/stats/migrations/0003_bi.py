"""The threshold and the moment of each publication, and what codes are called in it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """What was published before was so under a threshold of 11, the only one there was."""
    op.add_column("publications", sa.Column("threshold", sa.BigInteger, nullable=False, server_default="11"))
    op.add_column("publications", sa.Column("published_at", sa.Text, nullable=False, server_default=""))
    op.execute("UPDATE publications SET published_at = published_on || 'T00:00:00.000Z'")
    op.create_table(
        "names",
        sa.Column("dimension", sa.Text, primary_key=True),
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("place", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
