"""`maison visit`: a desk on the command line, through the public API like any other."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from shared.client import DeskClient, Kept, Refused, Request, Spool, Visit

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
    url: _Url = DEFAULT_URL,
    spool: _SpoolFolder = DEFAULT_SPOOL,
    token_file: _TokenFile = None,
) -> None:
    """Record one visit. Exit status 0 = recorded or kept, 1 = refused."""
    if len(category) > 1 and (topic or partner):
        raise typer.BadParameter("a topic or a partner belongs to one request: record the others separately")
    requests = [Request(category=one, topic=topic, partner=partner, answered=answered) for one in category]
    visit = Visit(requests=requests, site=site, channel=channel, occurred_at=at, case_id=case)
    with DeskClient(url, spool=Spool(spool), token=_token(token_file)) as desk:
        try:
            result = desk.record(visit)
        except Refused as refusal:
            typer.echo(f"Refused. {refusal}", err=True)
            raise typer.Exit(1) from None
    if isinstance(result, Kept):
        typer.echo(f"The house does not answer. Kept in {spool}; `maison visit send` sends it later.")
    else:
        typer.echo(f"Recorded: visit {result.visit_id}, case {result.case_id}")


@app.command()
def send(url: _Url = DEFAULT_URL, spool: _SpoolFolder = DEFAULT_SPOOL, token_file: _TokenFile = None) -> None:
    """Send the visits that wait. Exit status 0 = none is left."""
    kept = Spool(spool)
    with DeskClient(url, spool=kept, token=_token(token_file)) as desk:
        sent = desk.send_kept()
    left = len(kept.keys())
    typer.echo(f"{len(sent)} sent, {left} left.")
    raise typer.Exit(1 if left else 0)


def _token(file: Path | None) -> str | None:
    # From a file: a command line can be read by everybody on the machine.
    return file.read_text(encoding="ascii").strip() if file else None
