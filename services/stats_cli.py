"""`maison stats explain`: the events behind a number, for whoever holds the data folder."""

import asyncio
import json
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.settings import Settings

app = typer.Typer(help="The figures, and what is behind them.", no_args_is_help=True)


# Keeps `explain` a word of its own: a group of one command would be that command.
@app.callback()
def _figures() -> None: ...


@app.command()
def explain(
    figure: Annotated[str, typer.Argument(help="visits, requests, referrals, needs ...")],
    by: Annotated[str, typer.Option(help="One line of it: dimension=value, as in category=health.")] = "",
    period: Annotated[str, typer.Option(help="2008, 2008-03, 2008-W11 or 2008-03-12. Else in all.")] = "",
    site: Annotated[str, typer.Option(help="Of one site only.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False,
) -> None:
    """Name the events that a figure is made of. Exit status 1 = they do not add up to what stats keeps."""
    from services.verify import CannotVerify, NoSuchFigure, Question
    from services.verify import explain as explained

    try:
        document = asyncio.run(explained(Settings(), Question.of(figure, by, period, site)))
    except (CannotVerify, NoSuchFigure) as reason:
        _fail(str(reason))
    if as_json:
        typer.echo(json.dumps(document, indent=2))
    else:
        _print(document)
    raise typer.Exit(0 if document["ok"] else 1)


def _print(document: Mapping[str, Any]) -> None:
    console = Console()
    table = Table("log", "position", "event", "stream", "day", "step")
    for event in document["events"]:
        place = f"{event['partition']}:{event['position']}"
        columns = (event["log"], place, event["type"], event["stream"], event["day"], f"{event['step']:+}")
        # As text: read as markup, a bracket in a name would vanish.
        table.add_row(*(Text(column, overflow="fold") for column in columns))
    console.print(table)
    verdict = "They agree" if document["ok"] else "They do not agree"
    stands = ", ".join(f"{log} {position:,}" for log, position in document["as_of"].items())
    console.print(
        Text(f"{verdict}: the steps add up to {document['sum']:,}, stats keeps {document['kept']:,}, at {stands}.")
    )


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)
