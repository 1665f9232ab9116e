"""What the rules of a case do not allow, each with its facts."""

from shared.decider import Refusal


class CaseRefusal(Refusal):
    """A command that a case does not allow."""

    def __init__(self, case_id: str = "") -> None:
        super().__init__(case_id)
        self.case_id = case_id


class CaseUnknown(CaseRefusal):
    """There is no such case."""


class CaseClosedAlready(CaseRefusal):
    """The case is closed."""


class CaseAlreadyOpen(CaseRefusal):
    """The case is open."""


class CaseKnowsPerson(CaseRefusal):
    """The case is about somebody already."""


class CaseNotMerged(CaseRefusal):
    """The case stands for itself."""


class CaseSealedAlready(CaseRefusal):
    """The case is sealed."""


class CaseNotSealed(CaseRefusal):
    """The case is not sealed: whoever may read cases reads it."""


class SameCase(CaseRefusal):
    """A case was to be merged with itself."""


class CaseMergedAway(CaseRefusal):
    """The case is read as a part of another: `kept`."""

    def __init__(self, case_id: str, kept: str) -> None:
        super().__init__(case_id)
        self.kept = kept


class PeopleDiffer(CaseRefusal):
    """The two cases are about two people. `other` = the one to be absorbed."""

    def __init__(self, case_id: str, other: str) -> None:
        super().__init__(case_id)
        self.other = other
