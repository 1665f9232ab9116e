"""The audit's document as a table for whoever sits at the terminal."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_document(document: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what `verify` answered: a line a check, then the verdict."""
    page = console or Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("check", "", "detail"):
        table.add_column(column)
    for check in document["checks"]:
        mark = Text("ok", style="green") if check["ok"] else Text("FAULT", style="bold red")
        # As text: read as markup, a bracket in a detail would vanish.
        table.add_row(Text(check["name"]), mark, Text(check["detail"]))
    page.print(table)
    position = ", ".join(f"{log} at {_written(head)}" for log, head in document["position"].items())
    verdict = "All is well" if document["ok"] else "Something is wrong"
    page.print(Text(f"{verdict}: {position}.", style="bold green" if document["ok"] else "bold red"))


def _written(head: int | Mapping[str, int]) -> str:
    return f"{head:,}" if isinstance(head, int) else f"{sum(head.values()):,} in {len(head)} partitions"
