"""The house's own command line: `maison run`, `demo`, `status`, `verify`, `rebuild`, `report`, `visit` and more."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from services import accounts_cli, backup_cli, deployment_cli, people_cli, report_cli, stats_cli, visit_cli
from services.caretaker import Caretaker, NotRunning
from services.house import House, HouseFailed, HouseOccupied, running
from shared.settings import Settings

app = typer.Typer(help="The software of a walk-in house of social services.", no_args_is_help=True)
letters = typer.Typer(help="Events that could not be handled, put aside with their reason.", no_args_is_help=True)
catalogue = typer.Typer(help="The house file: sites, partners, schedule, rules.", no_args_is_help=True)
app.add_typer(letters, name="dead-letters")
app.add_typer(catalogue, name="catalogue")
app.add_typer(visit_cli.app, name="visit")
app.add_typer(stats_cli.app, name="stats")
app.command("report")(report_cli.report)
app.command("backup")(backup_cli.backup)
app.command("restore")(backup_cli.restore)
app.command("secrets")(deployment_cli.make_secrets)
app.command("bus-users")(deployment_cli.bus_users)
app.command("migrate")(deployment_cli.migrate)
app.add_typer(accounts_cli.token, name="token")
app.add_typer(accounts_cli.account, name="account")
app.add_typer(people_cli.vault, name="vault")
app.add_typer(people_cli.person, name="person")

_Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]
_Service = Annotated[str, typer.Argument(help="intake, referral or stats")]
Result = TypeVar("Result")


@app.command()
def run() -> None:
    """Start the house and serve it until Ctrl-C or SIGTERM."""
    settings = Settings()
    try:
        asyncio.run(_serve(House(settings), "The house is open"))
    except (HouseOccupied, HouseFailed) as reason:
        _fail(str(reason))


@app.command()
def demo() -> None:
    """Play the year 2008 in a throwaway folder and print its review. SERVE=1 keeps the house up."""
    with tempfile.TemporaryDirectory(prefix="maison-demo-") as folder:
        settings = Settings(data=Path(folder), database_url="", redis_url="", access="open", https=False)
        agrees = asyncio.run(_play(settings))
    raise typer.Exit(0 if agrees else 1)


@app.command()
def status(as_json: _Json = False) -> None:
    """Where everything stands: logs, readers, what was put aside."""
    document = _ask(Caretaker(Settings()).status())
    if as_json:
        _print_json(document)
    else:
        _print_status(document)
    well = all(service["ready"] for service in document["services"].values()) and not document["dead_letters"]
    raise typer.Exit(0 if well else 1)


@app.command()
def verify(as_json: _Json = False) -> None:
    """Read the logs independently and hold everything made from them against them."""
    from services.verify import CannotVerify, print_document
    from services.verify import verify as audit

    try:
        document = _ask(audit(Settings()))
    except CannotVerify as reason:
        _fail(str(reason))
    if as_json:
        _print_json(document)
    else:
        print_document(document)
    raise typer.Exit(0 if document["ok"] else 1)


@app.command()
def rebuild(service: _Service, as_json: _Json = False) -> None:
    """Make a service's read model again from position 1, beside the live one, and swap it in."""
    document = _ask(Caretaker(Settings()).rebuild(service))
    if as_json:
        _print_json(document)
    else:
        typer.echo(f"{', '.join(document['rebuilt'])} rebuilt in {document['seconds']:.1f} s")


@letters.command("list")
def list_letters(as_json: _Json = False) -> None:
    """What lies aside, in which service, and why."""
    found = _ask(Caretaker(Settings()).dead_letters())
    if as_json:
        _print_json(found)
        return
    table = Table("service", "topic", "partition", "position", "stream", "tries", "reason")
    for letter in found:
        table.add_row(
            *(str(letter[name]) for name in ("service", "topic", "partition", "position", "stream", "tries", "reason"))
        )
    Console().print(table if found else "Nothing lies aside.")


@letters.command("show")
def show_letter(service: _Service, topic: str, position: int, partition: int = 0) -> None:
    """One event that was put aside, as it came."""
    for letter in _ask(Caretaker(Settings()).dead_letters()):
        if (letter["service"], letter["topic"], letter["partition"], letter["position"]) == (
            service, topic, partition, position,
        ):  # fmt: skip
            _print_json(letter)
            return
    _fail("there is no such dead letter")


@letters.command("replay")
def replay_letters(
    service: _Service,
    topic: Annotated[str | None, typer.Option(help="Only of this topic.")] = None,
    stream: Annotated[str | None, typer.Option(help="Only of this case or referral.")] = None,
    position: Annotated[int | None, typer.Option(help="Only the one at this position.")] = None,
) -> None:
    """Hand events in again: all of a service, those of one stream, or one. Each stream keeps its order."""
    document = _ask(Caretaker(Settings()).replay(service, topic, stream, position))
    typer.echo(f"{document['replayed']} replayed, {document['still_parked']} still lie aside")
    raise typer.Exit(0 if not document["still_parked"] else 1)


@letters.command("discard")
def discard_letter(service: _Service, topic: str, position: int, partition: int = 0) -> None:
    """Give one event up for good."""
    _ask(Caretaker(Settings()).discard(service, topic, partition, position))
    typer.echo("discarded")


@catalogue.command("check")
def check_catalogue(file: Path) -> None:
    """Check a house file; each fault is told with its line."""
    from shared.catalogue import CatalogueError, load_catalogue

    try:
        found = load_catalogue(file)
    except OSError as error:
        _fail(str(error))
    except CatalogueError as error:
        for fault in error.faults:
            typer.echo(f"{file}:{fault.line}: {fault.where}: {fault.what}", err=True)
        raise typer.Exit(1) from None
    typer.echo(
        f"{file}: version {found.version}, {len(found.sites)} site(s), {len(found.partners)} partners,"
        f" {len(found.rules)} rules: no fault found"
    )


async def _serve(house: House, greeting: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    opening = asyncio.create_task(house.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not opening.done():
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        return
    try:
        await opening
        typer.echo(f"{greeting}: " + "  ".join(f"{name} {url}" for name, url in house.urls.items()))
        await stopping
    finally:
        stopping.cancel()
        await house.stop()


async def _play(settings: Settings) -> bool:
    from services.demo import run_demo
    from services.verify import verify as audit
    from shared.catalogue import load_catalogue

    async with running(House(settings, free_ports=True)) as house:
        caretaker = Caretaker(settings)
        agrees = await run_demo(
            house.urls["intake"],
            house.urls["referral"],
            house.urls["stats"],
            lambda: audit(settings),
            load_catalogue(settings.house_file),
            status=caretaker.status,
        )
        if os.environ.get("SERVE"):
            typer.echo("The house stays open: " + "  ".join(f"{name} {url}" for name, url in house.urls.items()))
            review, partners = f"{house.urls['stats']}/report/2008/page", f"{house.urls['referral']}/coordination/page"
            typer.echo(f"The year that it played: its review {review}  its partners {partners}")
            typer.echo("Ctrl-C closes it and removes its folder.")
            stop = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await stop.wait()
    return agrees


def _ask(question: Awaitable[Result]) -> Result:
    async def ask() -> Result:
        return await question

    try:
        return asyncio.run(ask())
    except (NotRunning, HouseOccupied) as reason:
        _fail(str(reason))


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)


def _print_json(document: Any) -> None:
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _print_status(document: dict[str, Any]) -> None:
    console = Console()
    services = Table("service", "pid", "address", "ready")
    for name, service in document["services"].items():
        services.add_row(name, str(service["pid"] or "elsewhere"), service["url"], "yes" if service["ready"] else "no")
    console.print(services)
    heads = "  ".join(f"{name} {sum(partitions.values())}" for name, partitions in document["logs"].items())
    console.print(f"events in the logs: {heads}")
    readers = Table("reader", "topic", "partition", "checkpoint", "events behind", "seconds behind")
    for reader in document["subscribers"]:
        columns = ("service", "topic", "partition", "checkpoint", "lag_events", "lag_s")
        readers.add_row(*(str(reader[name]) for name in columns))
    console.print(readers)
    console.print(f"dead letters: {document['dead_letters']}")


def main() -> None:
    """Entry of the console script."""
    try:
        app(prog_name="maison")
    except ValidationError as error:
        for found in error.errors(include_url=False, include_input=False):
            typer.echo(f"MAISON_{'_'.join(map(str, found['loc'])).upper()}: {found['msg']}", err=True)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
