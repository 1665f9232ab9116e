"""`maison visit`: a desk on the command line, through the public API like any other."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.client import (
    Correction,
    DeskClient,
    Kept,
    Refused,
    Request,
    RightRequest,
    Spool,
    Standing,
    Unreachable,
    Visit,
)

app = typer.Typer(help="Record visits from the command line; what cannot be sent is kept.", no_args_is_help=True)

_Url = Annotated[str, typer.Option(envvar="MAISON_INTAKE_URL", help="Where intake answers.")]
_SpoolFolder = Annotated[Path, typer.Option("--spool", help="Where unsent visits wait.")]
_TokenFile = Annotated[
    Path | None, typer.Option("--token-file", help="A file with a token, if the house asks for one.", exists=True)
]

DEFAULT_URL = "http://127.0.0.1:8001"
DEFAULT_SPOOL = Path("spool")


@app.command()
def record(
    category: Annotated[list[str], typer.Argument(help="One or more: each is a request.")],
    answered: Annotated[bool, typer.Option("--answered", help="All were dealt with on the spot.")] = False,
    topic: Annotated[str | None, typer.Option(help="Finer, for a single request.")] = None,
    partner: Annotated[str | None, typer.Option(help="Who is wished for, for a single request.")] = None,
    site: Annotated[str | None, typer.Option(help="The house's first site, if left out.")] = None,
    channel: Annotated[str | None, typer.Option(help="in_person, phone, mail, email, home or remote.")] = None,
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="With an offset.")] = None,
    case: Annotated[str | None, typer.Option(help="The case of somebody who was here before.")] = None,
    language: Annotated[str | None, typer.Option(help="What the person speaks: two letters of ISO 639-1.")] = None,
    need: Annotated[list[str] | None, typer.Option(help="interpreter, reader, or both, one at a time.")] = None,
    children: Annotated[bool, typer.Option("--children", help="There are some to look after.")] = False,
    url: _Url = DEFAULT_URL,
    spool: _SpoolFolder = DEFAULT_SPOOL,
    token_file: _TokenFile = None,
) -> None:
    """Record one visit. Exit status 0 = recorded or kept, 1 = refused."""
    if len(category) > 1 and (topic or partner):
        raise typer.BadParameter("a topic or a partner belongs to one request: record the others separately")
    requests = [Request(category=one, topic=topic, partner=partner, answered=answered) for one in category]
    said: dict[str, Any] = {"language": language, "needs": need or [], "children": children}
    visit = Visit(requests=requests, site=site, channel=channel, occurred_at=at, case_id=case, **said)
    with DeskClient(url, spool=Spool(spool), token=_token(token_file)) as desk:
        try:
            result = desk.record(visit)
        except Refused as refusal:
            typer.echo(f"Refused. {refusal}", err=True)
            raise typer.Exit(1) from None
    if isinstance(result, Kept):
        typer.echo(f"The house does not answer. Kept in {spool}; `maison visit send` sends it later.")
    else:
        invited = f", invitation {result.invitation}" if result.invitation else ""
        typer.echo(f"Recorded: visit {result.visit_id}, case {result.case_id}{invited}")


@app.command()
def send(url: _Url = DEFAULT_URL, spool: _SpoolFolder = DEFAULT_SPOOL, token_file: _TokenFile = None) -> None:
    """Send the visits that wait. Exit status 0 = none is left."""
    kept = Spool(spool)
    with DeskClient(url, spool=kept, token=_token(token_file)) as desk:
        try:
            sent = desk.send_kept()
        except Refused as refusal:
            typer.echo(f"Refused. {refusal} {len(kept.keys())} left.", err=True)
            raise typer.Exit(1) from None
    left = len(kept.keys())
    typer.echo(f"{len(sent)} sent, {left} left.")
    raise typer.Exit(1 if left else 0)


@app.command()
def void(
    visit: Annotated[str, typer.Argument(help="The visit's id.")],
    reason: Annotated[str, typer.Option(help="mistake, duplicate, test or other.")] = "mistake",
    url: _Url = DEFAULT_URL,
    token_file: _TokenFile = None,
) -> None:
    """Say that a visit never was. Exit status 0 = it counts no more."""
    _change(url, token_file, lambda desk: desk.void(visit, reason))


@app.command()
def correct(
    visit: Annotated[str, typer.Argument(help="The visit's id.")],
    category: Annotated[list[str] | None, typer.Argument(help="All its requests, as they should have been.")] = None,
    channel: Annotated[str | None, typer.Option(help="in_person, phone, mail, email, home or remote.")] = None,
    at: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="With an offset.")] = None,
    site: Annotated[str | None, typer.Option(help="Open requests are handed over anew there.")] = None,
    language: Annotated[str | None, typer.Option(help="Two letters of ISO 639-1; empty: not said.")] = None,
    need: Annotated[list[str] | None, typer.Option(help="All that there were; empty: none.")] = None,
    children: Annotated[bool | None, typer.Option("--children/--no-children", help="To look after.")] = None,
    url: _Url = DEFAULT_URL,
    token_file: _TokenFile = None,
) -> None:
    """Put a visit right; what is left out is right already. Exit status 0 = it stands like that."""
    right: dict[str, Any] = {"channel": channel, "occurred_at": at, "site": site, "children": children}
    if need:
        right["needs"] = [one for one in need if one]
    if category:
        right["requests"] = [RightRequest(category=one) for one in category]
    said = {name: value for name, value in right.items() if value is not None}
    if language is not None:
        said["language"] = language or None
    correction = Correction(**said)
    _change(url, token_file, lambda desk: desk.correct(visit, correction))


def _change(url: str, token_file: Path | None, change: Callable[[DeskClient], Standing]) -> None:
    with DeskClient(url, token=_token(token_file)) as desk:
        try:
            standing = change(desk)
        except (Refused, Unreachable) as refusal:
            told = f"Refused. {refusal}" if isinstance(refusal, Refused) else "The house does not answer."
            typer.echo(told, err=True)
            raise typer.Exit(1) from None
    what = "void" if standing.voided_for else "corrected"
    typer.echo(f"Visit {standing.visit_id}: {what}, version {standing.version}")


def _token(file: Path | None) -> str | None:
    # From a file: a command line can be read by everybody on the machine.
    return file.read_text(encoding="ascii").strip() if file else None
