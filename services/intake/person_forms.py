"""What may be sent about people and cases. A refusal never repeats what was sent."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.intake.commands import CloseReason
from services.intake.vault import Identity
from services.intake.written import LINES, ONE_LINE
from shared.web.parameters import Day

NOTE_LETTERS_MAX = 500
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_Id = Annotated[str, Field(pattern=_UUID)]
_Name = Annotated[str, Field(min_length=1, max_length=100), *ONE_LINE]
# Pydantic's strictness would refuse a day that was looked at as text first.
_Day = Annotated[Day, Field(strict=False)]
_Reference = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9/._-]{0,59}$", description="A file number: letters, digits, / . _ -")
]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Any:
        # What is printed by mistake must not be somebody's name.
        return []


class PersonForm(_Form):
    """Who somebody is, as far as the house is told."""

    given_name: _Name
    family_name: _Name
    birth_date: _Day | None = None
    phone: Annotated[str, Field(pattern=r"^\+?[0-9][0-9 .()/-]{4,29}$")] | None = None
    email: Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,180}$")] | None = None
    address: Annotated[str, Field(min_length=1, max_length=300), *LINES] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] | None = None
    safe_to_contact: bool | None = None

    def identity(self) -> Identity:
        """What the vault is to hold."""
        return Identity(
            self.given_name,
            self.family_name,
            self.birth_date.isoformat() if self.birth_date else None,
            self.phone,
            self.email,
            self.address,
            self.language,
            self.safe_to_contact,
        )


class KnownPersonForm(_Form):
    """Somebody whom the house knows already."""

    person_id: _Id


class SearchForm(_Form):
    """A name, or a part of it, in whatever order and spelling."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"[^\s]")]


class NoteForm(_Form):
    """A few sentences; what is not needed had better not be written down."""

    text: Annotated[str, Field(min_length=1, max_length=NOTE_LETTERS_MAX), *LINES]


class CloseForm(_Form):
    """Why nothing more is expected."""

    reason: CloseReason = CloseReason.DONE


class MergeForm(_Form):
    """The case that stays."""

    into: _Id


class ErasureForm(_Form):
    """The number of the decision."""

    decision: _Reference | None = None


class VisaForm(_Form):
    """The archives' visa: its reference, and the day of its signature."""

    reference: _Reference
    signed_on: _Day
