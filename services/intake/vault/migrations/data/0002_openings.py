"""Sealed cases that were opened, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the openings."""
    op.create_table(
        "vault_openings",
        sa.Column("opening_id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("until", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("seen_by", sa.Text),
        sa.Column("seen_at", sa.Text),
    )
    op.create_index("ix_vault_openings_case_id", "vault_openings", ["case_id"])
