"""`maison secrets`, `maison bus-users` and `maison migrate`: what a house in containers needs before it starts."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from services import secret_files
from shared.settings import Settings

_Folder = Annotated[Path, typer.Argument(help="The folder of the secrets.")]


def make_secrets(folder: _Folder = Path("secrets")) -> None:
    """Make the secrets that the folder lacks, one file each; none that is there is changed."""
    try:
        made = list(secret_files.make_missing(folder))
    except (OSError, ValueError) as reason:
        _fail(str(reason))
    typer.echo(f"{folder}: " + (f"made {', '.join(made)}" if made else "nothing was missing"))
    if secret_files.VAULT_KEY in made:
        typer.echo(f"keep a copy of {folder / secret_files.VAULT_KEY}, apart from the database's backups", err=True)


def bus_users(folder: _Folder = Path("secrets")) -> None:
    """Print the users of the bus as this release needs them, for the `aclfile` of a Valkey or Redis."""
    try:
        typer.echo(secret_files.bus_users(folder), nl=False)
    except (OSError, ValueError) as reason:
        _fail(str(reason))


def migrate() -> None:
    """Bring every database to the schema of this release, and end. Each service does the same for its own."""
    from sqlalchemy.exc import OperationalError

    # What it needs takes a second to load.
    from services.migrating import migrate_all

    try:
        for name, version in migrate_all(Settings()):
            typer.echo(f"{name} {version}")
    except OperationalError as reason:
        _fail(f"the database does not answer: {reason.orig}")


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)
