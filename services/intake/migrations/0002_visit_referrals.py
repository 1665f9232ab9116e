"""What a visit shows of its referrals."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the read model of the closed loop."""
    op.create_table(
        "visit_referrals",
        sa.Column("referral_id", sa.Text, primary_key=True),
        sa.Column("visit_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("issued_at", sa.Text, nullable=False),
    )
    op.create_index("ix_visit_referrals_visit_id", "visit_referrals", ["visit_id"])
