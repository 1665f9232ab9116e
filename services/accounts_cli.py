"""`maison token` and `maison account`: who may come in, asked of the running intake.

No secret stands on a command line, where everybody on the machine can read it: what is made is told once, on
standard output.
"""

import json
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.table import Table

from services.house import read_card
from shared.access.principal import Role
from shared.settings import Settings

TIMEOUT_S = 30.0

token = typer.Typer(help="What machines show to be let in.", no_args_is_help=True)
account = typer.Typer(help="Who of the people may sign in.", no_args_is_help=True)

_Role = Annotated[Role, typer.Option(help="What it may do: see docs/access.md.")]
_Partner = Annotated[str | None, typer.Option(help="The partner's code, with the role partner.")]
_Site = Annotated[str | None, typer.Option(help="The one site that it is for.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]


@token.command("create")
def create_token(
    role: _Role,
    partner: _Partner = None,
    site: _Site = None,
    days: Annotated[int, typer.Option(min=1, max=90, help="How long it is good.")] = 90,
    as_json: _Json = False,
) -> None:
    """Make a token. It is told now and never again."""
    issued = ask_intake("POST", "tokens", {"role": role.value, "partner": partner, "site": site, "days": days})
    if as_json:
        _print_json(issued)
    else:
        typer.echo(issued["token"])
        typer.echo(f"{issued['token_id']}, good until {issued['expires_at']}", err=True)


@token.command("list")
def list_tokens(as_json: _Json = False) -> None:
    """Every token there is, without what opens the door."""
    found = ask_intake("GET", "tokens")
    if as_json:
        _print_json(found)
        return
    columns = ("token_id", "role", "partner", "site", "expires_at", "revoked_at")
    table = Table(*columns)
    for one in found:
        table.add_row(*(str(one[name] or "") for name in columns))
    Console().print(table if found else "There are no tokens.")


@token.command("revoke")
def revoke_token(token_id: str) -> None:
    """End a token, within seconds everywhere."""
    ask_intake("POST", "tokens/revoke", {"token_id": token_id})
    typer.echo("revoked")


@account.command("create")
def create_account(
    login: str,
    role: _Role,
    name: Annotated[str, typer.Option(help="How colleagues see it.")] = "",
    partner: _Partner = None,
    site: _Site = None,
) -> None:
    """Make an account, and tell its one-time password."""
    asked = {"login": login, "display_name": name or login, "role": role.value, "partner": partner, "site": site}
    _tell_password(ask_intake("POST", "accounts", asked))


@account.command("disable")
def disable_account(login: str) -> None:
    """Shut an account; whoever is signed in with it is signed out, within seconds everywhere."""
    ask_intake("POST", "accounts/disable", {"login": login})
    typer.echo("disabled")


@account.command("password")
def renew_password(login: str) -> None:
    """Give an account a new one-time password; whoever is signed in with it is signed out."""
    _tell_password(ask_intake("POST", "accounts/password", {"login": login}))


def _tell_password(made: dict[str, str]) -> None:
    typer.echo(made["one_time_password"])
    typer.echo(f"{made['login']} signs in with this once, and chooses a password then ({made['account_id']})", err=True)


def ask_intake(method: str, what: str, body: dict[str, Any] | None = None) -> Any:
    """Ask `/internal/...` of the running intake, with the house's key. What it refuses ends the command."""
    settings = Settings()
    url = intake_url(settings)
    given = None if body is None else {name: value for name, value in body.items() if value is not None}
    try:
        answer = httpx.request(
            method,
            f"{url}/internal/{what}",
            json=given,
            headers={"X-House-Key": settings.house_key or ""},
            timeout=TIMEOUT_S,
            trust_env=False,
        )
    except httpx.HTTPError as error:
        fail(f"intake does not answer at {url}: {type(error).__name__}")
    if answer.status_code != httpx.codes.OK:
        problem = answer.json()
        faults = "; ".join(f"{error['field']}: {error['detail']}" for error in problem.get("errors", ()))
        fail(faults or problem["detail"])
    return answer.json()


def intake_url(settings: Settings) -> str:
    """Where intake answers: by the card in the data folder, else by what the settings say."""
    card = read_card(settings.data)
    return str(card["services"]["intake"]["url"]) if card else settings.asks_intake_at


def fail(reason: str) -> NoReturn:
    """End the command: what is wrong in a line, and exit status 2."""
    typer.echo(reason, err=True)
    raise typer.Exit(2)


def _print_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2))
