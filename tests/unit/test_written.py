"""Names and notes: what may stand in them, and one spelling for what looks alike."""

import pytest
from pydantic import ValidationError

from services.intake.person_forms import NoteForm, PersonForm
from services.intake.seals.routes import OpeningForm

UNSEEN = [
    "\x00",
    "\x1b[31m",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200b",
    "\u200e",
    "\u2028",
    "\ufeff",
    "\ue000",
    "\u0085",
]


@pytest.mark.parametrize("letter", UNSEEN, ids=ascii)
def test_what_cannot_be_seen_stands_in_no_name_and_no_note(letter: str) -> None:
    with pytest.raises(ValidationError):
        PersonForm(given_name=f"Zo{letter}é", family_name="Inventée")
    with pytest.raises(ValidationError):
        NoteForm(text=f"Une note{letter} inventée.")
    with pytest.raises(ValidationError):
        OpeningForm(reason=f"Une raison{letter} inventée.")


def test_half_a_letter_is_refused() -> None:
    with pytest.raises(ValidationError):
        NoteForm.model_validate_json('{"text": "\\ud800"}')


@pytest.mark.parametrize(
    "name", ["Zoé", "O’Invented-Smith", "مخترع", "אלמוני", "می‌ساخته", "Nguyễn", "Þórr", "李", "Ł. d'Inventé"]
)
def test_names_of_the_world_are_names(name: str) -> None:
    assert PersonForm(given_name=name, family_name="x").given_name


def test_what_looks_alike_is_kept_alike() -> None:
    assert PersonForm(given_name="Zoe\u0301", family_name="x").given_name == "Zo\u00e9"


def test_a_note_has_lines_and_a_name_has_none() -> None:
    assert NoteForm(text="Une ligne.\nUne autre.").text.count("\n") == 1
    with pytest.raises(ValidationError):
        PersonForm(given_name="Zoé\nInventée", family_name="x")
