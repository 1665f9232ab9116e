"""Whether a partner has taken a referral on: only then may it read who the person is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; what was accepted before is known by its status."""
    op.add_column("visit_referrals", sa.Column("taken_on", sa.Boolean, nullable=False, server_default=sa.false()))
    op.execute("UPDATE visit_referrals SET taken_on = (status IN ('accepted', 'completed'))")
