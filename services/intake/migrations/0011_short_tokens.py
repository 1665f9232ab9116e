"""What a machine swapped its token for: good for minutes, and no longer than the token itself."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "short_tokens",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("token_id", sa.Text, nullable=False),
        sa.Column("expires_at", sa.Text, nullable=False),
    )
    op.create_index("ix_short_tokens_token_id", "short_tokens", ["token_id"])
