"""The day of a request goes with it, whatever became of it."""

import pytest

from services.referral.requests import dated, day_of, handed_of
from services.referral.states import Dropped, Referral, Settled, Standing, Unmet
from shared.events.needs import NeedUnmet
from shared.events.referral import ReferralIssued

ISSUED = ReferralIssued("r-1", "q-1", "v-1", "c-1", "site", "legal", "p05", "rule", "1", "2008-03-11")
NEED = NeedUnmet("q-1", "v-1", "c-1", "site", "housing", "no_rule", "1", "2008-03-11")


@pytest.mark.parametrize("state", [Standing(ISSUED), Unmet(NEED), Settled(NEED), Dropped(NEED)])
def test_a_request_whose_visit_was_on_another_day_counts_there(state: Referral) -> None:
    handed = handed_of(dated(state, "2008-03-12"))
    assert handed is not None
    assert day_of(handed) == "2008-03-12"
