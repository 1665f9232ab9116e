"""Figures counted by DuckDB over exported logs, which knows nothing of the service: no table, projection or period."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import duckdb
from rich.console import Console

PERIODS = {"day": "day", "week": "week", "month": "left(day, 7)", "year": "left(day, 4)"}
"""Each period, and what names it from a local day."""

EVENTS = """
CREATE TABLE visits AS SELECT
    json_extract_string(entry, '$.data.visit_id') AS visit,
    json_extract_string(entry, '$.data.case_id') AS who, json_extract_string(entry, '$.data.site') AS site,
    json_extract_string(entry, '$.data.channel') AS channel, left(json_extract_string(entry, '$.time'), 10) AS day,
    entry FROM intake WHERE json_extract_string(entry, '$.type') = 'intake.visit-recorded.v1';
CREATE TABLE requests AS SELECT site, channel, day, visit, json_extract_string(one, '$.request_id') AS request,
    json_extract_string(one, '$.category') AS category,
    coalesce(json_extract(one, '$.answered')::BOOLEAN, false) AS answered
    FROM (SELECT site, channel, day, visit, unnest(json_extract(entry, '$.data.requests[*]')) AS one FROM visits);
CREATE TABLE issued AS SELECT json_extract_string(entry, '$.data.request_id') AS request,
    json_extract_string(entry, '$.subject') AS referral,
    json_extract_string(entry, '$.data.case_id') AS who,
    json_extract_string(entry, '$.data.site') AS site, json_extract_string(entry, '$.data.category') AS category,
    json_extract_string(entry, '$.data.partner') AS partner, json_extract_string(entry, '$.data.issued_on') AS day
    FROM referral WHERE json_extract_string(entry, '$.type') = 'referral.issued.v1';
CREATE TABLE moves AS SELECT json_extract_string(entry, '$.subject') AS referral,
    json_extract(entry, '$.streamversion')::INTEGER AS version,
    left(json_extract_string(entry, '$.time'), 10) AS on_day,
    split_part(json_extract_string(entry, '$.type'), '.', 2) AS kind,
    left(json_extract_string(entry, '$.data.starts_at'), 10) AS starts_on
    FROM referral WHERE json_extract_string(entry, '$.data.was') IS NOT NULL;
CREATE TABLE lives AS SELECT issued.*, last, booked_for, date_diff('day', day::DATE, first_on::DATE) AS answer_days,
    date_diff('day', day::DATE, last_on::DATE) AS last_days
    FROM issued LEFT JOIN (
        SELECT referral, arg_max(kind, version) AS last, min(on_day) AS first_on, arg_max(on_day, version) AS last_on,
        max(starts_on) FILTER (kind = 'appointment-booked') AS booked_for FROM moves GROUP BY referral
    ) USING (referral);
CREATE TABLE answers AS SELECT day, site, partner, answer_days AS days FROM lives WHERE answer_days IS NOT NULL;
CREATE TABLE outcomes AS SELECT day, site, partner, last_days AS days FROM lives WHERE last = 'completed';
CREATE TABLE places AS SELECT booked_for AS day, site, partner FROM lives
    WHERE booked_for IS NOT NULL AND last <> 'reopened';
CREATE TABLE needs AS SELECT json_extract_string(entry, '$.data.request_id') AS request,
    json_extract_string(entry, '$.data.site') AS site, json_extract_string(entry, '$.data.category') AS category,
    json_extract_string(entry, '$.data.reason') AS reason, json_extract_string(entry, '$.data.found_on') AS day
    FROM referral WHERE json_extract_string(entry, '$.type') = 'referral.need-unmet.v1';
"""
STATUS = """CASE WHEN answered THEN 'answered' WHEN request IN (SELECT request FROM issued) THEN 'referred'
    WHEN request IN (SELECT request FROM needs) THEN 'unmet' ELSE 'open' END"""
STANDS = """CASE WHEN last IS NULL OR last = 'reopened' THEN 'issued' WHEN last = 'appointment-booked' THEN 'booked'
    ELSE last END"""
DELAY = """CASE WHEN days > 30 THEN '031+' WHEN days > 14 THEN '015-030' WHEN days > 7 THEN '008-014'
    WHEN days > 2 THEN '003-007' WHEN days > 0 THEN '001-002' ELSE '000' END"""
"""Nobody answers before the issue; a move is made once, so that the first is the answer and the last is where it is."""


def _delays(table: str) -> Mapping[str, str]:
    return {
        "": f"SELECT day, site, '' AS value FROM {table}",
        "partner": f"SELECT day, site, partner AS value FROM {table}",
        "delay": f"SELECT day, site, {DELAY} AS value FROM {table}",
        "site": f"SELECT day, site, site AS value FROM {table}",
    }


def _days(table: str) -> Mapping[str, str]:
    """A row a day."""
    each = f"FROM (SELECT *, unnest(range(days)) FROM {table})"
    return {
        "": f"SELECT day, site, '' AS value {each}",
        "partner": f"SELECT day, site, partner AS value {each}",
        "site": f"SELECT day, site, site AS value {each}",
    }


FIGURES: Mapping[str, Mapping[str, str]] = {
    "visits": {
        "": "SELECT day, site, '' AS value FROM visits",
        "channel": "SELECT day, site, channel AS value FROM visits",
        "category": "SELECT DISTINCT day, site, category AS value, visit FROM requests",
        "site": "SELECT day, site, site AS value FROM visits",
    },
    "requests": {
        "": "SELECT day, site, '' AS value FROM requests",
        "channel": "SELECT day, site, channel AS value FROM requests",
        "category": "SELECT day, site, category AS value FROM requests",
        "status": f"SELECT day, site, {STATUS} AS value FROM requests",
        "site": "SELECT day, site, site AS value FROM requests",
    },
    "referrals": {
        "": "SELECT day, site, '' AS value FROM issued",
        "category": "SELECT day, site, category AS value FROM issued",
        "partner": "SELECT day, site, partner AS value FROM issued",
        "status": f"SELECT day, site, {STANDS} AS value FROM lives",
        "site": "SELECT day, site, site AS value FROM issued",
    },
    "answers": _delays("answers"),
    "answer_days": _days("answers"),
    "outcomes": _delays("outcomes"),
    "outcome_days": _days("outcomes"),
    "places": {
        "": "SELECT day, site, '' AS value FROM places",
        "partner": "SELECT day, site, partner AS value FROM places",
        "site": "SELECT day, site, site AS value FROM places",
    },
    "needs": {
        "": "SELECT day, site, '' AS value FROM needs",
        "category": "SELECT day, site, category AS value FROM needs",
        "reason": "SELECT day, site, reason AS value FROM needs",
        "site": "SELECT day, site, site AS value FROM needs",
    },
    "people": {
        "": "SELECT day, site, '' AS value, who FROM visits",
        "partner": "SELECT day, site, partner AS value, who FROM issued",
        "identity": "SELECT day, site, 'anonymous' AS value, who FROM visits",
        "site": "SELECT day, site, site AS value, who FROM visits",
    },
}
"""Of each figure and division: one row a thing counted; of people, each of them once."""

Counted = dict[tuple[str, str], int]
"""(period, value) -> how many."""


def compared(data: Path, answers: Mapping[tuple[str, str, str, str], Counted], console: Console) -> int:
    """How many answers differ from DuckDB's own count."""
    differing = rows = 0
    with duckdb.connect() as counter:
        for log in ("intake", "referral"):
            exported = _exported(data, log)
            counter.execute(f"CREATE TABLE {log} AS SELECT json AS entry FROM read_ndjson_objects('{exported}')")
        counter.execute(EVENTS)
        for (figure, by, period, site), told in answers.items():
            where = f"WHERE site = '{site}'" if site else ""
            what = "DISTINCT who" if figure == "people" else "*"
            named = {"": "''", "week": "strftime(day::DATE, '%G-W%V')"}.get(period, PERIODS.get(period, ""))
            found = counter.execute(
                f"SELECT {named} AS period, value, count({what}) FROM ({FIGURES[figure][by]}) {where} GROUP BY ALL"
            ).fetchall()
            counted = {(one_period, value): count for one_period, value, count in found}
            rows += len(counted)
            if counted != told:
                differing += 1
                console.print(f"[red]{figure} by {by or 'nothing'}, {period or 'in all'}, {site or 'all sites'}[/red]")
    console.print(f"{len(answers):,} answers, {rows:,} rows; {differing} differ from the independent count")
    return differing


def _exported(data: Path, log: str) -> Path:
    """The entries of a log at rest, one a line."""
    path = data / f"{log}.ndjson"
    with closing(sqlite3.connect(f"file:{data / log}.sqlite3?mode=ro", uri=True)) as database, path.open("w") as file:
        for (entry,) in database.execute("SELECT entry FROM events ORDER BY partition, position"):
            file.write(entry.strip() + "\n")
    return path
