"""The tables of a subscriber as the first migration of each service creates them. Frozen, as `shared.log.schema`."""

import sqlalchemy as sa
from alembic import op


def create_checkpoints() -> None:
    """Create `checkpoints` and `dead_letters`."""
    op.create_table(
        "checkpoints",
        sa.Column("reader", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("reader", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        # The stream of the event: while one of its events lies here, its later ones must not overtake it.
        sa.Column("stream", sa.Text),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("parked_at", sa.Text, nullable=False),
    )
    op.create_index("dead_letters_stream", "dead_letters", ["reader", "topic", "stream"])
