"""An auditor for houses under fire: it reads what was asked, what was answered and what was found afterwards.

It knows the published language (the events) and nothing of the code that it judges. Each check is a function
from plain facts to findings; no finding = nothing wrong.
"""

from tests.auditing.audit import Evidence, audit
from tests.auditing.finding import Finding
from tests.auditing.history import Attempt, History, Line, attempts, read_history
from tests.auditing.stored import Stored, visits_of

__all__ = [
    "Attempt",
    "Evidence",
    "Finding",
    "History",
    "Line",
    "Stored",
    "attempts",
    "audit",
    "read_history",
    "visits_of",
]
