"""The role that BI tools sign in with on PostgreSQL: it reads the schema `bi`, and can do nothing else.

Its privileges are the wall. That it begins read-only, within a minute, and over few connections is only care: whoever
is signed in can change these by themselves.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from services.stats.bi.postgresql import SCHEMA

ROLE = "maison_bi"
CONNECTIONS_MAX = 10
STATEMENT_S_MAX = 60
_CARE = {
    "default_transaction_read_only": "on",
    "statement_timeout": f"{STATEMENT_S_MAX}s",
    "idle_in_transaction_session_timeout": f"{STATEMENT_S_MAX}s",
    "search_path": SCHEMA,
}

# What PostgreSQL lets everybody do: large objects are writing, advisory locks are what the house's parts take turns by.
# Letting go of locks stays open to everybody: drivers do it between two users of a connection.
_OPEN_TO_ALL = """
SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND (
    proname LIKE 'lo\\_%%' OR proname IN ('loread', 'lowrite', 'pg_logical_emit_message')
    OR proname ~ '^pg_(try_)?advisory_(xact_)?lock')
AND has_function_privilege('public', oid, 'EXECUTE')"""
_OWNERS = """
SELECT DISTINCT quote_ident(pg_get_userbyid(nspowner)) FROM pg_namespace
    WHERE nspname IN ('intake', 'referral', 'stats')
UNION SELECT quote_ident(current_user)"""
_POWERS = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
    OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)
FROM pg_roles WHERE rolname = :role"""
_TOO_MUCH = """
SELECT 'temporary tables' WHERE has_database_privilege(:role, current_database(), 'TEMPORARY')
UNION ALL SELECT 'new schemas' WHERE has_database_privilege(:role, current_database(), 'CREATE')
UNION ALL SELECT 'large objects' WHERE has_function_privilege(:role, 'pg_catalog.lo_create(oid)', 'EXECUTE')
UNION ALL SELECT 'advisory locks' WHERE has_function_privilege(:role, 'pg_catalog.pg_advisory_lock(bigint)', 'EXECUTE')
UNION ALL SELECT 'creating in schema ' || nspname FROM pg_namespace WHERE has_schema_privilege(:role, oid, 'CREATE')
UNION ALL SELECT 'schema ' || nspname FROM pg_namespace
    WHERE nspname IN ('intake', 'referral', 'stats') AND has_schema_privilege(:role, oid, 'USAGE')"""


def is_there(connection: Connection) -> bool:
    """Whether the role exists. It belongs to the whole server, not to one database of it."""
    return bool(connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": ROLE}).scalar())


def let_in(connection: Connection, password: str) -> Sequence[str]:
    """Make the role if need be and give it this password, but for one that could do more than read."""
    if not is_there(connection):
        connection.exec_driver_sql(f"CREATE ROLE {ROLE}")
    if connection.execute(text(_POWERS), {"role": ROLE}).scalar():
        return [f"{ROLE} has powers, or is a member of another role: take them from it, and start stats again"]
    # Only what the password proves itself by is sent: neither the server nor its log sees the password.
    driver: Any = connection.connection.driver_connection
    proof = driver.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    connection.exec_driver_sql(f"ALTER ROLE {ROLE} LOGIN CONNECTION LIMIT {CONNECTIONS_MAX} PASSWORD '{proof}'")
    for name, value in _CARE.items():
        place = f"IN DATABASE {_database(connection)}"
        connection.exec_driver_sql(f"ALTER ROLE {ROLE} {place} SET {name} = '{value}'")
    return []


def allow_reading(connection: Connection) -> Sequence[str]:
    """Grant what the role may do, if there is one."""
    if is_there(connection):
        for statement in (
            f"GRANT CONNECT ON DATABASE {_database(connection)} TO {ROLE}",
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO {ROLE}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {ROLE}",
        ):
            connection.exec_driver_sql(statement)
    return []


def forbid_the_rest(connection: Connection) -> Sequence[str]:
    """Take from everybody what PostgreSQL gives everybody and the role must not have; what could not be taken."""
    if not is_there(connection):
        return []
    database = _database(connection)
    _try(connection, [f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC"])
    _try(connection, ["REVOKE CREATE ON SCHEMA public FROM PUBLIC"])
    owners = connection.execute(text(_OWNERS)).scalars().all()
    functions = connection.exec_driver_sql(_OPEN_TO_ALL).scalars().all()
    for function in functions:
        grant = f"GRANT EXECUTE ON FUNCTION {function} TO {', '.join(owners)}"
        _try(connection, [grant, f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC"])
    left = connection.execute(text(_TOO_MUCH), {"role": ROLE}).scalars().all()
    return [f"{ROLE} can do more than read: {what}; whoever owns the server has to revoke it" for what in left]


def _try(connection: Connection, statements: Sequence[str]) -> None:
    """Carry out all or none of these: whoever does not own the server may not, which is found out afterwards."""
    try:
        with connection.begin_nested():
            for statement in statements:
                connection.exec_driver_sql(statement)
    except DBAPIError:
        return


def _database(connection: Connection) -> str:
    return str(connection.execute(text("SELECT quote_ident(current_database())")).scalar_one())
