"""Who was where on which day, by ids that mean nothing here, and which of these are the same somebody."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Both begin empty: what was heard before is taken in by a rebuild of the figures."""
    key = ("figure", "dimension", "day", "site", "value", "who")
    op.create_table(
        "presences",
        *(sa.Column(name, sa.Text, primary_key=True) for name in key),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("named", sa.Boolean, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_presences_who", "presences", ["who"])
    op.create_table(
        "case_ties",
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("kept", sa.Text),
        sa.Column("person", sa.Text),
        sa.Column("root", sa.Text, nullable=False),
        sa.Column("named", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_case_ties_root", "case_ties", ["root"])
