"""The yearly review in print: what the house counted, beside what the Maison published."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.demo.comparing import Comparison, Report
from services.demo.seed import Seed

_NBSP = "\u00a0"
_STATUSES = {
    "issued": "transmises",
    "accepted": "acceptées",
    "declined": "refusées",
    "completed": "terminées",
    "booked": "rendez-vous pris",
    "expired": "expirées",
    "withdrawn": "retirées",
}


def print_review(
    console: Console,
    report: Report,
    seed: Seed,
    partners: Sequence[Mapping[str, Any]],
    verification: Mapping[str, Any],
    comparisons: Sequence[Comparison],
    category_names: Mapping[str, str],
) -> bool:
    """Prints the review in French, 80 columns wide at the most; answers whether everything agrees."""
    by_subject = {found.subject: found for found in comparisons}
    console.print(Text(f"\nBilan {report.year}", style="bold"))
    console.print(_headline(seed, by_subject))
    console.print(_not_measured(report, seed), markup=False, highlight=False)
    console.print(_categories(report, seed, by_subject, category_names))
    console.print("* répartition de notre fait : la source ne chiffre pas ces catégories.\n", highlight=False)
    console.print(_partners(report, {str(row["code"]): str(row["name"]) for row in partners}))
    console.print(_outcomes(report))
    console.print(_agreements(by_subject))
    console.print(_checks(verification))
    failed = [found.subject for found in comparisons if not found.agrees]
    agrees = not failed and bool(verification["ok"])
    failed += [str(check["name"]) for check in verification["checks"] if not check["ok"]]
    verdict = "Tout concorde." if agrees else f"Tout ne concorde pas : {', '.join(failed) or 'verify'}."
    console.print(Text(verdict, style="bold green" if agrees else "bold red"))
    return agrees


_ACTIONS = {
    "breakfasts": "Petits-déjeuners santé (3)",
    "breakfast_people": "Personnes différentes à ces petits-déjeuners",
    "at_the_tables": "Participations à ces petits-déjeuners",
    "meetings": "Rencontres thématiques",
}


def _headline(seed: Seed, found: Mapping[str, Comparison]) -> Table:
    table = _table("L'année, et ce que la Maison a publié", "", ">compté", ">publié", "accord")
    visits, growth = found["visits"], found.get("growth")
    _row(table, "Accueils", whole(visits.measured), f"près de {whole(visits.expected)}", _mark(visits.agrees))
    _row(
        table,
        "Progression annuelle",
        f"{decimal(growth.measured)} %" if growth else "non mesuré (1)",
        f"environ {decimal(seed.growth.value)} %",
        _mark(growth.agrees) if growth else "-",
    )
    people = f"environ {whole(seed.people_employed_plan.value)}"
    met = found.get("people_employed_plan")
    _row(
        table,
        "Personnes orientées vers le PLIE (2)",
        whole(met.measured) if met else "non mesuré",
        people,
        _mark(met.agrees) if met else "-",
    )
    for subject, label in _ACTIONS.items():
        if subject in found:
            one = found[subject]
            _row(table, label, whole(one.measured), whole(one.expected), _mark(one.agrees))
    return table


def _not_measured(report: Report, seed: Seed) -> str:
    notes = (
        "(2) qui revient pour un emploi ou une formation est reconnu ; les autres accueils ouvrent chacun un dossier.\n"
    )
    if report.actions is not None:
        notes += "(3) la source les compte de 2006 à 2008 ; ils sont tous joués en 2008.\n"
    if report.visits.previous or not seed.not_played_years:
        return notes
    first, last = seed.not_played_years[0], seed.not_played_years[-1]
    return f"(1) les années {first} à {last} n'ont pas été jouées.\n{notes}"


def _categories(report: Report, seed: Seed, found: Mapping[str, Comparison], names: Mapping[str, str]) -> Table:
    table = _table("Demandes par catégorie", "catégorie", ">demandes", ">part", ">publié", ">écart", "accord")
    for subject, row in found.items():
        kind, _, code = subject.partition(":")
        if kind != "share":
            continue
        ours = code not in seed.shares or not seed.shares[code].published
        count = whole(report.counts.get(code, 0))
        _row(table, names.get(code, code), count, *_share_cells(row, "*" if ours else _NBSP))
    listed = {code for code, figure in seed.shares.items() if figure.published}
    others = sum(count for code, count in report.counts.items() if code not in listed)
    table.add_section()
    _row(table, "Autres demandes, ensemble", whole(others), *_share_cells(found["share_of_others"], _NBSP))
    _row(table, "Total", whole(report.requests.count), "", "", "", "")
    return table


def _share_cells(row: Comparison, note: str) -> tuple[str | Text, ...]:
    published = f"{decimal(row.expected)} %{note}"
    return (f"{decimal(row.measured)} %", published, signed(row.difference), _mark(row.agrees))


def _partners(report: Report, names: Mapping[str, str]) -> Table:
    table = _table("Orientations par partenaire", "partenaire", ">orientations")
    for row in sorted(report.referrals.by_partner, key=lambda row: (-row.count, row.partner)):
        _row(table, names.get(row.partner, row.partner), whole(row.count))
    table.add_section()
    _row(table, "Total", whole(report.handed_over))
    return table


def _outcomes(report: Report) -> Table:
    table = _table("Ce que les demandes sont devenues", "", ">nombre")
    _row(table, "Réponses sur place (demandes)", whole(report.answered))
    for row in report.referrals.by_status:
        _row(table, f"Orientations {_STATUSES.get(row.status, row.status)}", whole(row.count))
    _row(table, "Besoins sans partenaire (demandes)", whole(report.unmet))
    return table


_AGREEMENTS = {
    "visits_acknowledged": "Accueils comptés = accueils confirmés au guichet",
    "requests_acknowledged": "Demandes dans leur catégorie = demandes confirmées au guichet",
    "categories_add_up": "Somme des catégories = demandes",
    "every_request_followed": "Réponses sur place + orientations + besoins sans partenaire = demandes",
    "no_request_left_open": "Demandes restées sans suite",
    "referral_partners_add_up": "Somme des partenaires = orientations",
    "referral_statuses_add_up": "Somme des statuts = orientations",
}


def _agreements(found: Mapping[str, Comparison]) -> Table:
    table = _table("Les comptes entre eux", "", ">compté", ">attendu", "accord")
    for subject, label in _AGREEMENTS.items():
        if row := found.get(subject):
            _row(table, label, whole(row.measured), whole(row.expected), _mark(row.agrees))
    return table


def _checks(verification: Mapping[str, Any]) -> Table:
    table = _table("Vérification des journaux (maison verify)", "contrôle", "détail", "accord")
    for check in verification["checks"]:
        _row(table, str(check["name"]), str(check["detail"] or ""), _mark(bool(check["ok"])))
    return table


def _table(title: str, *columns: str) -> Table:
    """A table of at most 80 columns; `>` before a heading sets its figures to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if right else "left")
    return table


def _row(table: Table, *cells: str | Text) -> None:
    # Names and details are other people's text: read as markup, a bracket in them would vanish.
    table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))


def _mark(agrees: bool) -> Text:
    return Text("oui", style="green") if agrees else Text("NON", style="bold red")


def whole(count: float) -> str:
    """A whole number the French way: 5 970, with a space that does not break."""
    return f"{count:,.0f}".replace(",", _NBSP)


def decimal(figure: float) -> str:
    """One digit after the comma: 38,9."""
    return f"{figure:.1f}".replace(".", ",")


def signed(figure: float) -> str:
    """A difference with its sign, and nothing as 0,0: +1,2, -0,3."""
    return decimal(0.0) if abs(figure) < 0.05 else f"{figure:+.1f}".replace(".", ",")
