"""What the vault holds, and who read it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SQLITE_GUARDS = (
    """
CREATE TRIGGER audit_no_update BEFORE UPDATE ON vault_audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
""",
    """
CREATE TRIGGER audit_no_delete BEFORE DELETE ON vault_audit
WHEN OLD.sequence > (SELECT purged_to FROM vault_audit_head)
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
""",
)
_POSTGRESQL_GUARDS = (
    """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.sequence <= (SELECT purged_to FROM vault_audit_head) THEN RETURN OLD; END IF;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only';
END $$
""",
    """
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON vault_audit
FOR EACH ROW EXECUTE FUNCTION refuse_change()
""",
    """
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON vault_audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
""",
)


def upgrade() -> None:
    """Create people, notes, the audit trail and the elimination lists."""
    _create_people()
    _create_notes()
    _create_audit()
    _create_eliminations()


def _create_people() -> None:
    op.create_table(
        "vault_people",
        sa.Column("person_id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("attached", sa.Boolean, nullable=False),
        sa.Column("since", sa.Text, nullable=False),
        sa.Column("last_contact", sa.Text, nullable=False),
    )
    op.create_table(
        "vault_fields",
        sa.Column("person_id", sa.Text, primary_key=True),
        sa.Column("field", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "vault_names",
        sa.Column("token", sa.LargeBinary, primary_key=True),
        sa.Column("person_id", sa.Text, primary_key=True),
    )
    op.create_index("ix_vault_names_person_id", "vault_names", ["person_id"])


def _create_notes() -> None:
    op.create_table(
        "vault_notes",
        sa.Column("note_id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_vault_notes_case_id", "vault_notes", ["case_id"])


def _create_audit() -> None:
    op.create_table(
        "vault_audit",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    head = op.create_table(
        "vault_audit_head",
        sa.Column("one", sa.Integer, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("purged_to", sa.BigInteger, nullable=False),
        sa.Column("purged_hash", sa.LargeBinary, nullable=False),
    )
    op.bulk_insert(head, [{"one": 1, "sequence": 0, "hash": bytes(32), "purged_to": 0, "purged_hash": bytes(32)}])
    for statement in _SQLITE_GUARDS if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL_GUARDS:
        op.execute(statement)


def _create_eliminations() -> None:
    op.create_table(
        "vault_eliminations",
        sa.Column("list_id", sa.Text, primary_key=True),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("visa", sa.Text),
        sa.Column("visa_on", sa.Text),
        sa.Column("carried_out_at", sa.Text),
    )
    op.create_table(
        "vault_elimination_entries",
        sa.Column("list_id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("last_contact", sa.Text, nullable=False),
        sa.Column("left_out", sa.Boolean, nullable=False),
    )
