"""The tables of a log as the first migration of each owning service creates them.

Frozen: a later change is a later migration, never an edit here.
"""

import sqlalchemy as sa
from alembic import op

_SQLITE_GUARD = """
CREATE TRIGGER events_no_{verb} BEFORE {verb} ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
"""
_POSTGRESQL_GUARD = (
    """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$
""",
    "CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
)


def create_log(partitions: int) -> None:
    """Create `events`, `partitions` (that many, all empty) and `answers`; have events refuse every change."""
    op.create_table(
        "events",
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("tag", sa.Text),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("stream", "version", name="events_stream_version"),
        # The rows are kept in the order of their positions, which is how they are read.
        sqlite_with_rowid=False,
    )
    tagged = sa.text("tag IS NOT NULL")
    op.create_index(
        "events_tag", "events", ["tag", "partition", "position"], sqlite_where=tagged, postgresql_where=tagged
    )
    counters = op.create_table(
        "partitions",
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(counters, [{"partition": p, "head": 0, "hash": bytes(32)} for p in range(partitions)])
    op.create_table(
        "answers",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("answered_at", sa.BigInteger, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(_SQLITE_GUARD.format(verb=verb))
    else:
        for statement in _POSTGRESQL_GUARD:
            op.execute(statement)
