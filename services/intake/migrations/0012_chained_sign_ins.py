"""The record of sign-ins is chained: what there is goes into the chain in its order, and no row is changed after."""

from hashlib import sha256

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_ROWS_AT_A_TIME = 1_000
_FACTS = ("entry_id", "at", "what", "account_id", "address")
_SQLITE_GUARDS = (
    """
CREATE TRIGGER door_no_update BEFORE UPDATE ON door_records
BEGIN SELECT RAISE(ABORT, 'the record of sign-ins is append-only'); END
""",
    """
CREATE TRIGGER door_no_delete BEFORE DELETE ON door_records
WHEN OLD.sequence > (SELECT purged_to FROM door_head)
BEGIN SELECT RAISE(ABORT, 'the record of sign-ins is append-only'); END
""",
)
_POSTGRESQL_GUARDS = (
    """
CREATE FUNCTION refuse_door_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.sequence <= (SELECT purged_to FROM door_head) THEN RETURN OLD; END IF;
    END IF;
    RAISE EXCEPTION 'the record of sign-ins is append-only';
END $$
""",
    """
CREATE TRIGGER door_no_change BEFORE UPDATE OR DELETE ON door_records
FOR EACH ROW EXECUTE FUNCTION refuse_door_change()
""",
    """
CREATE TRIGGER door_no_truncate BEFORE TRUNCATE ON door_records
FOR EACH STATEMENT EXECUTE FUNCTION refuse_door_change()
""",
)


def upgrade() -> None:
    """Create the chain, move the records into it, and let nobody change them."""
    records = op.create_table(
        "door_records",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    head = op.create_table(
        "door_head",
        sa.Column("one", sa.Integer, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("purged_to", sa.BigInteger, nullable=False),
        sa.Column("purged_hash", sa.LargeBinary, nullable=False),
    )
    sequence, digest = _move(records)
    last = {"sequence": sequence, "hash": digest, "purged_to": 0, "purged_hash": bytes(32)}
    op.bulk_insert(head, [{"one": 1, **last}])
    for statement in _SQLITE_GUARDS if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL_GUARDS:
        op.execute(statement)
    op.drop_table("sign_ins")


def _move(records: sa.Table) -> tuple[int, bytes]:
    """Chain what was recorded before; the last number and hash."""
    before = sa.table("sign_ins", *(sa.column(name) for name in _FACTS))
    sequence, digest, last = 0, bytes(32), ""
    while (
        rows := op.get_bind()
        .execute(sa.select(before).where(before.c.entry_id > last).order_by(before.c.entry_id).limit(_ROWS_AT_A_TIME))
        .all()
    ):
        chained = []
        for row in rows:
            entry = msgspec.json.encode(dict(row._mapping), order="deterministic").decode()
            sequence, last = sequence + 1, row.entry_id
            digest = sha256(msgspec.json.encode(["maison-door-1", digest.hex(), sequence, entry])).digest()
            chained.append({"sequence": sequence, "entry": entry, "hash": digest})
        op.bulk_insert(records, chained)
    return sequence, digest
