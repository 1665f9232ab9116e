"""`python -m benchmarks [NAME ...] [--quick]`: measure all figures or some, and print them."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks import fsync
from benchmarks.figure import Figure, Result, measure
from benchmarks.figures import FIGURES

LATEST = Path(__file__).parent / "latest.json"
# Quicker than any disk: the throwaway folder is in memory, and a commit there costs nothing.
FSYNC_MS_MIN = 0.02
FSYNCS = 500


def main(
    names: Annotated[list[str] | None, typer.Argument(help="figures to measure; all without a name")] = None,
    quick: Annotated[bool, typer.Option(help="small counts: a first look, not a result")] = False,
) -> None:
    """Measure the house beside its limits; only the ratios mean anything on another machine.

    Exit status 1 when a figure could not be measured; a goal that is missed is told, and no failure.
    """
    unknown = set(names or ()) - {figure.name for figure in FIGURES}
    if unknown:
        raise typer.BadParameter(f"no such figure: {', '.join(sorted(unknown))}")
    console = Console()
    fsync_ms = fsync.limit(FSYNCS)
    console.print(f"fdatasync after a 4 KiB append: {fsync_ms:.2f} ms (median)")
    if fsync_ms < FSYNC_MS_MIN:
        console.print("[red]The throwaway folder is in memory: point TMPDIR at a disk.[/red]")
    asked = [figure for figure in FIGURES if not names or figure.name in names]
    results = _measured(asked, quick, console)
    console.print(_table(results))
    _write(results, quick)
    raise typer.Exit(0 if len(results) == len(asked) else 1)


def _measured(figures: list[Figure], quick: bool, console: Console) -> list[Result]:
    results = []
    with Progress(console=console, transient=True) as progress:
        for figure in progress.track(figures):
            progress.console.print(f"[dim]{figure.name} ...[/dim]")
            try:
                results.append(measure(figure, quick=quick))
            except Exception:
                # The others have taken minutes: they are not thrown away with it.
                progress.console.print_exception(max_frames=4)
                progress.console.print(f"[red]{figure.name} could not be measured[/red]")
    return results


def _table(results: list[Result]) -> Table:
    table = Table("figure", title="Ours beside the limit, medians of three rounds in turn")
    for heading in ("ours", "limit", "ratio", "goal", "reached"):
        table.add_column(heading, justify="right")
    for result in results:
        figure = result.figure
        table.add_row(
            figure.name,
            _amount(result.ours, figure.unit),
            _amount(result.limit, figure.unit),
            "-" if result.ratio is None else f"{result.ratio:.2f}",
            f"{'≤' if figure.at_most else '≥'} {figure.goal:.2f}",
            "[green]yes[/green]" if result.ok else "[red]no[/red]",
        )
    return table


def _amount(amount: float | None, unit: str) -> str:
    if amount is None:
        return "-"
    return f"{amount:.2f} ms" if unit == "ms" else f"{amount:,.0f}{unit}"


def _write(results: list[Result], quick: bool) -> None:
    figures = [
        {
            "name": result.figure.name,
            "ours": result.ours,
            "limit": result.limit,
            "ratio": result.ratio,
            "goal": result.figure.goal,
            "ok": result.ok,
        }
        for result in results
    ]
    LATEST.write_text(json.dumps({"quick": quick, "figures": figures}, indent=2) + "\n")


if __name__ == "__main__":
    typer.run(main)
