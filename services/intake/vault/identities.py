"""Identities as rows: sealed field by field, found by the tokens of their names."""

from collections.abc import Collection, Mapping

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from services.intake.vault.identity import FIELDS, Identity
from services.intake.vault.sealing import Place, seal, unseal
from services.intake.vault.search import NameIndex
from services.intake.vault.tables import IDENTITY, NAMES, NOTES, PEOPLE, Person
from services.intake.vault.wiping import delete_for_good
from shared.log.rows import batched

OWNERS_AT_ONCE = 500


def add_person(connection: Connection, person_id: str, since: str, last_contact: str) -> None:
    """Somebody is known, to nobody yet: the log has not said so."""
    connection.execute(
        insert(PEOPLE).values(
            person_id=person_id, version=0, attached=False, since=since, last_contact=last_contact
        )
    )  # fmt: skip


def keep(
    connection: Connection, key: bytes, index: NameIndex, person_id: str, identity: Identity, version: int
) -> None:
    """Put an identity in the place of the one before it. `version` is one more than that one's."""
    _forget_identity(connection, [person_id])
    connection.execute(
        insert(IDENTITY),
        [
            {
                "person_id": person_id,
                "field": name,
                "version": version,
                "sealed": seal(key, Place(person_id, name, version), msgspec.json.encode(value)),
            }
            for name, value in identity.known().items()
        ],
    )
    tokens = [
        {"token": token, "person_id": person_id} for token in index.tokens(identity.given_name, identity.family_name)
    ]
    if tokens:
        connection.execute(insert(NAMES), tokens)
    connection.execute(update(PEOPLE).where(PEOPLE.c.person_id == person_id).values(version=version))


def sealed_fields(
    connection: Connection, person_ids: Collection[str], fields: Collection[str] = FIELDS
) -> list[tuple[str, str, int, bytes]]:
    """(person, field, version, sealed) of these people."""
    found: list[tuple[str, str, int, bytes]] = []
    for some in batched(person_ids, OWNERS_AT_ONCE):
        query = select(IDENTITY).where(IDENTITY.c.person_id.in_(some), IDENTITY.c.field.in_(list(fields)))
        found += [(*row,) for row in connection.execute(query)]
    return found


def opened(rows: Collection[tuple[str, str, int, bytes]], keys: Mapping[str, bytes]) -> dict[str, dict[str, object]]:
    """Person -> field -> value, of those whose key there is."""
    found: dict[str, dict[str, object]] = {}
    for person_id, field, version, sealed in rows:
        if key := keys.get(person_id):
            value = msgspec.json.decode(unseal(key, Place(person_id, field, version), bytes(sealed)))
            found.setdefault(person_id, {})[field] = value
    return found


def person_row(connection: Connection, person_id: str, *, to_change: bool = False) -> Person | None:
    """What is known of a person besides the identity. `to_change`: others wait until this transaction has ended."""
    query = select(PEOPLE).where(PEOPLE.c.person_id == person_id)
    row = connection.execute(query.with_for_update() if to_change else query).one_or_none()
    return Person(**row._mapping) if row else None


def purge(connection: Connection, owners: Collection[str]) -> None:
    """Take away every row of these people and cases. Nobody can read them any more: this is tidying."""
    delete_for_good(connection)
    _forget_identity(connection, owners)
    for some in batched(owners, OWNERS_AT_ONCE):
        connection.execute(delete(PEOPLE).where(PEOPLE.c.person_id.in_(some)))
        connection.execute(delete(NOTES).where(NOTES.c.case_id.in_(some)))


def _forget_identity(connection: Connection, person_ids: Collection[str]) -> None:
    for some in batched(person_ids, OWNERS_AT_ONCE):
        for table in (IDENTITY, NAMES):
            connection.execute(delete(table).where(table.c.person_id.in_(some)))
