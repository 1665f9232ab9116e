"""What a desk is told when a case or the vault does not allow something: each refusal with its remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.intake.refusals import (
    CaseAlreadyOpen,
    CaseClosedAlready,
    CaseKnowsPerson,
    CaseMergedAway,
    CaseNotMerged,
    CaseNotSealed,
    CaseSealedAlready,
    CaseUnknown,
    PeopleDiffer,
    SameCase,
)
from services.intake.vault import Erased, PersonUnknown
from shared.decider import Refusal
from shared.web.problems import Problem, not_found

_CONFLICTS: dict[type[Exception], tuple[str, str, str]] = {
    CaseClosedAlready: (
        "case-closed",
        "The case is closed",
        "Reopen it first; for a visit, leave case_id out to open another.",
    ),
    CaseAlreadyOpen: ("case-open", "The case is open", "There is nothing to reopen."),
    CaseKnowsPerson: (
        "person-attached",
        "The case is about somebody already",
        "Correct that person's identity, or open another case.",
    ),
    CaseNotMerged: ("case-not-merged", "The case was not merged", "Name the case that was absorbed."),
    CaseSealedAlready: ("case-sealed-already", "The case is sealed", "There is nothing left to seal."),
    CaseNotSealed: ("case-not-sealed", "The case is not sealed", "Read it like any other."),
    SameCase: ("same-case", "That is one case", "Name two different cases."),
    PeopleDiffer: ("people-differ", "The cases are about two people", "Merge only cases about the same person."),
}


def problem_of(refusal: Refusal | Erased | PersonUnknown) -> Problem:
    """The problem that a refusal of the case's rules, or of the vault, is told as."""
    match refusal:
        case CaseUnknown():
            return not_found("case")
        case PersonUnknown():
            return not_found("person")
        case Erased():
            return Problem(
                410,
                "person-erased",
                "Forgotten by a decision",
                "Nothing is held any more. Whoever comes back gets a new case.",
            )
        case CaseMergedAway(kept=kept):
            remedy = f"It is a part of case {kept} by now: name that one, or take the merge back."
            return Problem(409, "case-merged", "The case was merged", remedy, facts={"kept": kept})
    return Problem(409, *_CONFLICTS[type(refusal)])


@contextmanager
def refusals_told() -> Iterator[None]:
    """Whatever is refused inside leaves as a problem."""
    try:
        yield
    except (Refusal, Erased, PersonUnknown) as refusal:
        raise problem_of(refusal) from None


def restricted() -> Problem:
    """Two years without a word of the person: the file is no longer in use."""
    return Problem(
        403, "person-restricted", "No longer in use",
        "Nothing was heard of this person for two years. A new visit on the case opens the file again.",
    )  # fmt: skip
