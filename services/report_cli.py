"""`maison report`: the yearly review in the terminal, as one HTML file, or as a PDF where a Chromium is at hand."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer
from rich.console import Console
from rich.table import Table

from services.whereabouts import find_house
from shared.client import NotSwapped, SwappedToken
from shared.settings import Settings

TIMEOUT_S = 30.0
PRINT_S_MAX = 60.0
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_CHROMIUM = "There is no Chromium here to make a PDF with. Use --html and print that file from any browser, as A4."


class _Language(StrEnum):
    FR = "fr"
    EN = "en"


def report(
    year: Annotated[int, typer.Argument(min=1900, max=2999)],
    html: Annotated[Path | None, typer.Option(help="Write the review as one HTML file.")] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write the review as a PDF, by a Chromium of this machine.")] = None,
    site: Annotated[str | None, typer.Option(help="Of one site only.")] = None,
    city: Annotated[bool, typer.Option("--city", help="Of what was published alone, as the city sees it.")] = False,
    lang: Annotated[_Language, typer.Option(help="The language of the review.")] = _Language.FR,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="A file with a token, if the house asks for one.", exists=True)
    ] = None,
) -> None:
    """The review of a year, asked of the running house. Exit status 2 = it could not be had."""
    browser = _chromium() if pdf else None
    if pdf and browser is None:
        _fail(NO_CHROMIUM)
    settings = Settings()
    document = _asked(settings, f"{year}/city" if city else str(year), site, token_file)
    if not html and not pdf:
        (_print_city if city else _print)(document)
        return
    text = _as_html(settings, document, lang.value)
    if html:
        html.write_text(text, encoding="utf-8")
        typer.echo(f"{html}: written")
    if pdf and browser:
        _as_pdf(browser, text, pdf)
        typer.echo(f"{pdf}: written")


def _asked(settings: Settings, which: str, site: str | None, token_file: Path | None) -> dict[str, Any]:
    """`GET /report/{which}` of the house that runs in the data folder."""
    card = find_house(settings)
    if card is None:
        _fail(f"no house runs in {settings.data}")
    # From a file: a command line can be read by everybody on the machine.
    token = token_file.read_text(encoding="ascii").strip() if token_file else None
    shown = SwappedToken(card["services"]["intake"]["url"], token) if token else None
    address = f"{card['services']['stats']['url']}/report/{which}"
    try:
        answer = httpx.get(
            address, params={"site": site} if site else {}, auth=shown, timeout=TIMEOUT_S, trust_env=False
        )
    except NotSwapped as refusal:
        _fail(f"intake refused the token ({refusal})")
    except httpx.HTTPError as error:
        _fail(f"stats does not answer at {address}: {error}")
    if answer.status_code != httpx.codes.OK:
        _fail(f"stats refused ({answer.status_code}): {answer.json().get('detail', '')}")
    found: dict[str, Any] = answer.json()
    return found


def _as_html(settings: Settings, document: Mapping[str, Any], code: str) -> str:
    # Loaded only now: every other command would wait for templates that it does not need.
    from services.stats.pages import city_review, pages_of
    from services.stats.pages.review import as_document
    from shared.catalogue import load_catalogue
    from shared.clock import utc_now

    catalogue = load_catalogue(settings.house_file)
    if "figures" in document:
        return city_review.as_document(pages_of(catalogue), catalogue, document, code)
    today = utc_now().astimezone(catalogue.default_site.zone).date()
    return as_document(pages_of(catalogue), catalogue, document, code, today)


def _chromium() -> str | None:
    return next((path for name in CHROMIUM if (path := shutil.which(name))), None)


def _as_pdf(browser: str, text: str, pdf: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="maison-report-") as folder:
        page = Path(folder) / "report.html"
        page.write_text(text, encoding="utf-8")
        flags = ["--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-pdf-header-footer", "--no-first-run"]
        # The page is our own, without scripts; root's Chromium does not start otherwise.
        flags += ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [browser, *flags, f"--user-data-dir={folder}/profile", f"--print-to-pdf={pdf.absolute()}"]
        try:
            done = subprocess.run([*command, page.as_uri()], capture_output=True, timeout=PRINT_S_MAX, check=False)
        except subprocess.TimeoutExpired:
            _fail(f"{browser} did not print within {PRINT_S_MAX:.0f} s")
        if done.returncode or not pdf.exists():
            _fail(f"{browser} could not print: {done.stderr.decode(errors='replace').strip()[-300:]}")


def _print(document: Mapping[str, Any]) -> None:
    """The numbers in short; the words and the charts are in the file."""
    console = Console()
    console.print(f"{document['year']}" + (f", {document['site']}" if document["site"] else ""), highlight=False)
    totals = Table("figure", "count", "year before")
    for figure in ("visits", "requests", "referrals", "needs", "handovers"):
        totals.add_row(figure, str(document[figure]["count"]), str(document[figure].get("previous") or "-"))
    console.print(totals)
    for figure, by in (("requests", "category"), ("referrals", "partner"), ("referrals", "status")):
        table = Table(f"{figure} by {by}", "count")
        for row in sorted(document[figure][f"by_{by}"], key=lambda row: -int(row["count"])):
            table.add_row(str(row.get("name") or row[by]), str(row["count"]))
        console.print(table)


def _print_city(document: Mapping[str, Any]) -> None:
    """Each table of it; a dash stands for what is not published."""
    console = Console()
    console.print(f"{document['year']}, published by {document['published_on']}", highlight=False)
    for figure, found in document["figures"].items():
        table = Table(figure, "", "count")
        table.add_row("total", "", _number(found["count"]))
        for by in (name for name in found if name.startswith("by_") and name != "by_month"):
            for line in found[by]:
                table.add_row(by.removeprefix("by_"), line["label"], _number(line["count"]))
        console.print(table)


def _number(count: int | None) -> str:
    return "-" if count is None else str(count)


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(2)
