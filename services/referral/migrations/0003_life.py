"""What the whole life of a referral needs: deadlines, appointments, cancelled permanences."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Widen the queues' read model, and keep who has which place."""
    with op.batch_alter_table("queue_items") as table:
        table.add_column(sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("queued_at", sa.Text))
        table.add_column(sa.Column("answer_due_at", sa.Text))
        table.add_column(sa.Column("outcome_due_at", sa.Text))
        table.add_column(sa.Column("next_step_at", sa.Text))
        table.add_column(sa.Column("chased", sa.Integer, nullable=False, server_default="0"))
        table.add_column(sa.Column("moved_at", sa.Text))
        table.add_column(sa.Column("undoable", sa.Boolean, nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("safe_to_contact", sa.Boolean))
        table.add_column(sa.Column("replaces", sa.Text))
        table.add_column(sa.Column("permanence_id", sa.Text))
        table.add_column(sa.Column("place", sa.Integer))
        table.add_column(sa.Column("starts_at", sa.Text))
    # Their deadlines stay unset: nobody was told of any when they were issued.
    op.execute("UPDATE queue_items SET is_open = (status IN ('issued', 'accepted', 'unmet')), undoable = (version > 1)")
    is_open = sa.text("is_open")
    op.create_index(
        "queue_items_open", "queue_items", ["queue", "position"], sqlite_where=is_open, postgresql_where=is_open
    )
    due = sa.text("next_step_at IS NOT NULL")
    op.create_index("queue_items_due", "queue_items", ["next_step_at"], sqlite_where=due, postgresql_where=due)
    op.create_table(
        "bookings",
        sa.Column("permanence_id", sa.Text, primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("referral_id", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "permanence_cancellations",
        sa.Column("permanence_id", sa.Text, primary_key=True),
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("cancelled_at", sa.Text, nullable=False),
    )
