"""The data keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the keys, and the list of those that were deleted."""
    op.create_table(
        "data_keys",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("master", sa.Text, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "shredded_keys",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("wiped", sa.Boolean, nullable=False),
    )
