"""`maison backup` and `maison restore`."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from shared.settings import Settings

_Keys = Annotated[Path | None, typer.Option("--keys", help="The folder of the keys, if it is not `keys` inside.")]
_NoKeys = Annotated[bool, typer.Option("--no-keys", help="Leave the keys out: nobody's identity can be read then.")]


def backup(folder: Path, keys: _Keys = None, no_keys: _NoKeys = False) -> None:
    """Put the house aside in a new folder, at work or at rest. Everything acknowledged before is in it."""
    from services.backup import Refused, back_up

    if keys and no_keys:
        _fail("--keys and --no-keys: one of them")
    try:
        made = back_up(Settings(), folder, keys, without_keys=no_keys)
    except (Refused, OSError) as reason:
        _fail(str(reason))
    typer.echo(f"{folder}: " + ", ".join(f"{log} {sum(heads.values())} events" for log, heads in made.barrier.items()))
    if not no_keys and keys is None:
        typer.echo(f"{folder / 'keys'} opens it: keep that apart, and for 30 days at most (docs/backup.md)", err=True)


def restore(
    folder: Path,
    keys: _Keys = None,
    no_keys: _NoKeys = False,
    forgotten: Annotated[
        list[Path] | None, typer.Option(help="A later backup, or its forgotten.json: who stays forgotten.")
    ] = None,
) -> None:
    """Put a backup in an empty place: the folder MAISON_DATA, or the database MAISON_DATABASE_URL."""
    from services.backup import Refused
    from services.backup import restore as put_back

    try:
        made = put_back(Settings(), folder, keys, forgotten or (), without_keys=no_keys)
    except (Refused, OSError) as reason:
        _fail(str(reason))
    typer.echo(f"the house as of {made.began_at} is back; start it, then `maison verify`")


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)
