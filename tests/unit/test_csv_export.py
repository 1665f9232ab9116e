"""The lines of an export: read back, they are what was written, and no spreadsheet finds a formula in them."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.pages.csv_export import HEADERS, Dialect, cells, harmless, lines
from services.referral.words import ChangeReason, DeclineReason, Outcome, Status
from shared.catalogue import load_catalogue

HOUSE_FILE = Path(__file__).parents[2] / "houses" / "fontaine-d-ouche.toml"
DELIMITERS: dict[Dialect, str] = {"rfc4180": ",", "excel-fr": ";"}
ROW = {
    "referral_id": "r1",
    "site": "fontaine-d-ouche",
    "category": "health",
    "topic": None,
    "status": "issued",
    "is_open": True,
    "outcome": None,
    "reason": None,
    "issued_at": "2026-03-09T10:00:00.000+01:00",
    "answer_due_at": "2026-03-12T09:00:00Z",
    "outcome_due_at": "2026-03-30T08:00:00Z",
    "moved_at": None,
    "chased": 0,
    "starts_at": None,
}

FULL_WIDTH = "\uff1d\uff0b\uff0d\uff20"
dangerous = st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", *(f"{sign}1" for sign in FULL_WIDTH), " =1", "\u200b=1"]
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | dangerous
tables = st.lists(st.lists(texts, min_size=2, max_size=5), min_size=1, max_size=8)


@given(tables, st.sampled_from(sorted(DELIMITERS)))
def test_what_is_written_is_read_back(table: list[list[str]], dialect: Dialect) -> None:
    written = lines(table, dialect)
    assert written.endswith("\r\n")
    read = list(csv.reader(StringIO(written, newline=""), delimiter=DELIMITERS[dialect], strict=True))
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in table
    ]


@given(texts)
def test_no_cell_begins_with_what_a_spreadsheet_carries_out(cell: str) -> None:
    shown = harmless(cell)
    assert shown in (cell, f"'{cell}")
    assert shown.lstrip()[:1] not in tuple(f"=+-@{FULL_WIDTH}")
    assert shown[:1] not in ("\t", "\r", "\n")


@pytest.mark.parametrize("cell", ["", "aidée", "2026-03-09 10:00", "l’enfant", "a=b", "0", "'=1"])
def test_an_ordinary_cell_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


def test_a_referral_is_told_in_the_words_of_the_desk() -> None:
    told = dict(zip(HEADERS, cells(ROW, load_catalogue(HOUSE_FILE)), strict=True))
    assert told["status"] == "À répondre"
    assert (told["issued_at"], told["due_at"]) == ("2026-03-09 10:00", "2026-03-12 10:00")
    ended = {**ROW, "status": "declined", "is_open": False, "reason": "no_capacity", "moved_at": "2026-04-01T08:00:00Z"}
    told = dict(zip(HEADERS, cells(ended, load_catalogue(HOUSE_FILE)), strict=True))
    assert (told["reason"], told["due_at"]) == ("Pas de place en ce moment", "")
    assert told["moved_at"] == "2026-04-01 10:00"


def test_of_a_sensitive_topic_neither_name_nor_category_is_written() -> None:
    house = load_catalogue(HOUSE_FILE)
    sensitive = next(topic for topic in house.topics if topic.sensitive)
    for topic in (sensitive.code, "a-topic-that-is-no-more"):
        told = cells({**ROW, "category": sensitive.category, "topic": topic}, house)
        assert told[1:3] == ["", ""]
    ordinary = next(topic for topic in house.topics if not topic.sensitive)
    assert cells({**ROW, "category": ordinary.category, "topic": ordinary.code}, house)[2] == ordinary.label_fr


def test_every_word_has_its_french() -> None:
    house = load_catalogue(HOUSE_FILE)
    codes = {word.value for words in (Status, ChangeReason, DeclineReason, Outcome) for word in words}
    for status in Status:
        for reason in (None, *ChangeReason, *DeclineReason):
            for outcome in (None, *Outcome):
                row = {**ROW, "status": status.value, "reason": reason and reason.value}
                assert not codes & {*cells({**row, "outcome": outcome and outcome.value}, house)[3:]}
