"""The charts as they are drawn: to scale, told apart by shape, no label taken for markup; which days are compared."""

from datetime import date
from xml.etree.ElementTree import Element, fromstring

import pytest

from services.stats.charts import Bar, Point, bars, lines, top_of_axis
from services.stats.definitions import DEFINITIONS
from services.stats.elapsed import a_year_before
from services.stats.periods import Grain
from services.stats.queries import KINDS


def of_class(drawing: Element, tag: str, kind: str) -> list[Element]:
    return [each for each in drawing.iter(tag) if each.get("class") == kind]


def test_bars_are_as_long_as_what_they_measure() -> None:
    drawing = fromstring(bars("one", "Accueils", [Bar("Santé", 40, "40", 20, "20"), Bar("Logement", 10, "10", 0, "0")]))
    (most, least), (half, _) = of_class(drawing, "rect", "value"), of_class(drawing, "rect", "before")
    assert float(most.get("width", 0)) == 4 * float(least.get("width", 0)) == 2 * float(half.get("width", 0))


def test_a_chart_is_one_picture_with_a_name_of_its_own() -> None:
    drawing = fromstring(bars("chart-a", "Accueils, par modalité", [Bar("À l’accueil", 1, "1")]))
    title = drawing.find("title")
    assert title is not None
    assert (drawing.get("role"), drawing.get("aria-labelledby")) == ("img", title.get("id"))
    assert title.text == "Accueils, par modalité"


def test_a_label_is_never_markup() -> None:
    assert "<script>" not in bars("one", "<b>", [Bar("<script>alert(1)</script>", 1, "<i>")])


def test_nothing_counted_draws_nothing_and_nought_divides_nothing() -> None:
    assert bars("one", "Rien", []) == ""
    assert "rect" in bars("one", "Rien", [Bar("Santé", 0, "0", 0, "0"), Bar("Passing", -1, "-1")])


def test_a_long_label_is_shortened_in_the_drawing() -> None:
    drawing = fromstring(bars("one", "Partenaires", [Bar("Association " * 9, 1, "1")]))
    assert any(text.text and text.text.endswith("…") for text in drawing.iter("text"))


def test_the_year_before_is_a_dashed_line_with_squares_and_months_to_come_are_left_out() -> None:
    points = [Point("J", 4, 2), Point("F", 8, 6), Point("M", None, 10)]
    drawing = fromstring(lines("months", "Accueils", points, [(0, "0"), (10, "10")]))
    assert len(of_class(drawing, "circle", "value")) == 2
    assert len(of_class(drawing, "rect", "before")) == 3
    (line,) = of_class(drawing, "polyline", "value")
    assert len((line.get("points") or "").split()) == 2


@pytest.mark.parametrize(("most", "top"), [(0, 2), (1, 2), (3, 4), (9, 10), (47, 80), (600, 800), (1_001, 2_000)])
def test_an_axis_ends_at_a_round_even_number(most: int, top: int) -> None:
    assert top_of_axis(most) == top


@pytest.mark.parametrize(
    ("today", "grain", "first", "last"),
    [
        ("2008-03-11", Grain.DAY, "2007-03-13", "2007-03-13"),  # both Tuesdays
        ("2008-03-12", Grain.WEEK, "2007-03-12", "2007-03-14"),
        ("2008-03-11", Grain.MONTH, "2007-03-01", "2007-03-11"),
        ("2008-02-29", Grain.MONTH, "2007-02-01", "2007-02-28"),
        ("2007-12-31", Grain.YEAR, "2006-01-01", "2006-12-31"),
        ("2008-03-01", Grain.YEAR, "2007-01-01", "2007-03-02"),  # 61 days each
        ("2008-12-31", Grain.YEAR, "2007-01-01", "2007-12-31"),
    ],
)
def test_as_many_days_are_compared_as_have_gone_by(today: str, grain: Grain, first: str, last: str) -> None:
    found = a_year_before(date.fromisoformat(today), grain)
    assert [day.isoformat() for day in found] == [first, last]


def test_each_figure_is_defined_as_it_is_counted() -> None:
    assert {name: (said.unit.en, said.date_basis.en) for name, said in DEFINITIONS.items()} == {
        name: (kind.unit, kind.date_basis) for name, kind in KINDS.items()
    }


def test_each_definition_is_a_sentence_in_both_languages() -> None:
    for definition in DEFINITIONS.values():
        for words in (*definition.name, *definition.unit, *definition.date_basis):
            assert words
        assert all(words.endswith(".") and words[0].isupper() for words in definition.sentence)
