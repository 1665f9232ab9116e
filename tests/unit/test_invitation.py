"""The rules of an invitation, and its code."""

import re

from hypothesis import given as drawn
from hypothesis import strategies as st

from services.intake.invitations.codes import PATTERN, as_typed, code_of, spoken
from services.intake.invitations.invitation import (
    INVITATION,
    InvitationNoMore,
    InvitationUnknown,
    InvitationUsedAlready,
    UseInvitation,
)
from shared.events.desk import InvitationGiven, InvitationUsed, InvitationWithdrawn
from shared.testing import given

CODE, DAY = "4K79QX0DM", "2008-03-11"
GIVEN = InvitationGiven(CODE, "v1", "fontaine-d-ouche", "p08")
USED = InvitationUsed(CODE, "fontaine-d-ouche", "p08", DAY)
USE = UseInvitation(CODE, DAY)


def test_an_invitation_that_was_given_is_used_once() -> None:
    given(INVITATION, GIVEN).when(USE).then(USED)
    given(INVITATION, GIVEN, USED).when(USE).then_refused(InvitationUsedAlready)
    given(INVITATION).when(USE).then_refused(InvitationUnknown)


def test_an_invitation_that_was_withdrawn_is_good_no_longer_until_it_is_given_again() -> None:
    gone = InvitationWithdrawn(CODE, "fontaine-d-ouche", "p08", DAY, "visit_corrected")
    given(INVITATION, GIVEN, gone).when(USE).then_refused(InvitationNoMore)
    given(INVITATION, GIVEN, gone, GIVEN).when(USE).then(USED)


@drawn(visit_id=st.uuids())
def test_a_code_is_read_back_however_it_is_typed(visit_id: object) -> None:
    code = code_of(str(visit_id))
    assert re.fullmatch(PATTERN, code)
    assert code == code_of(str(visit_id))
    for typed in (spoken(code), spoken(code).lower(), code.replace("0", "o").replace("1", "l"), f" {spoken(code)} "):
        assert as_typed(typed) == code
