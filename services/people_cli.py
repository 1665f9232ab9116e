"""`maison vault` and `maison person`: the master key turned, and what is held on somebody handed over.

What is personal is read with a token, as by everybody else, so that the audit trail names one. Whoever has the house's
key may make tokens: without a file of theirs, one is made for the asking, good for a day, and ended after it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from services.accounts_cli import TIMEOUT_S, ask_intake, fail, intake_url
from shared.settings import Settings

vault = typer.Typer(help="The vault: who people are, sealed.", no_args_is_help=True)
person = typer.Typer(help="Somebody whom the house knows, by id.", no_args_is_help=True)

_ROLE = "data_protection"


class _Language(StrEnum):
    FR = "fr"
    EN = "en"


@vault.command("rotate")
def rotate() -> None:
    """Put a new master key in force. Stopped half-way, ask again; keep a copy of `vault.key` afterwards."""
    wrapped = ask_intake("POST", "vault/rotate")["keys_wrapped_again"]
    typer.echo(f"{wrapped} keys are wrapped by the new master key: keep a copy of it, apart from the data")


@person.command("export")
def export(
    person_id: str,
    html: Annotated[Path | None, typer.Option(help="Write it as one HTML file that prints, not as JSON.")] = None,
    lang: Annotated[_Language, typer.Option(help="The language of that file.")] = _Language.FR,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="A file with a token of the data protection.", exists=True)
    ] = None,
) -> None:
    """Everything that is held on somebody, for the one it is held on. It is on record who asked."""
    with _token(token_file) as token:
        document = _held(person_id, token)
    if html is None:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    # Nobody else of this machine is to read it while it waits to be printed.
    html.touch(mode=0o600)
    html.write_text(_page(document, lang.value), encoding="utf-8")
    typer.echo(f"{html}: written")


@contextmanager
def _token(file: Path | None) -> Iterator[str]:
    # From a file: a command line can be read by everybody on the machine.
    if file is not None:
        yield file.read_text(encoding="ascii").strip()
        return
    issued = ask_intake("POST", "tokens", {"role": _ROLE, "days": 1})
    try:
        yield issued["token"]
    finally:
        ask_intake("POST", "tokens/revoke", {"token_id": issued["token_id"]})


def _held(person_id: str, token: str) -> dict[str, Any]:
    url = intake_url(Settings())
    try:
        answer = httpx.get(
            f"{url}/people/{person_id}/export",
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fail(f"intake does not answer at {url}: {type(error).__name__}")
    if answer.status_code != httpx.codes.OK:
        fail(answer.json()["detail"])
    found: dict[str, Any] = answer.json()
    return found


def _page(document: Mapping[str, Any], code: str) -> str:
    # Loaded only now: every other command would wait for templates that it does not need.
    from services.intake.held_page import as_document, pages_of
    from shared.catalogue import load_catalogue

    catalogue = load_catalogue(Settings().house_file)
    return as_document(pages_of(catalogue), catalogue, document, code)
