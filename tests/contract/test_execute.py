"""Carrying out a command on a real log: what is kept of the story that a stream belongs to."""

from services.referral.commands import AcceptReferral
from services.referral.decider import REFERRAL, referral_stream
from shared.events.referral import ReferralIssued
from shared.execute import Context, execute
from shared.log import NEW, Append
from tests.logs import opened_log

OCCURRED_AT = "2008-03-11T09:30:00.000+01:00"
BEGAN_IT = "intake:0:2"


async def test_what_follows_in_a_stream_belongs_to_the_story_that_began_it(database_url: str) -> None:
    issued = ReferralIssued(
        referral_id="r1",
        request_id="q1",
        visit_id="v1",
        case_id="c1",
        site="fontaine-d-ouche",
        category="health",
        partner="p09",
        rule="health",
        catalogue_version="1",
        issued_on="2008-03-11",
    )
    stream = referral_stream("r1")
    async with opened_log(database_url) as log:
        await log.append(Append(stream, [issued], NEW, OCCURRED_AT, correlation_id=BEGAN_IT, causation_id=BEGAN_IT))
        await execute(log, REFERRAL, stream, AcceptReferral(), Context(OCCURRED_AT), expected=1)
        assert [envelope.correlation_id for envelope in await log.read(stream)] == [BEGAN_IT, BEGAN_IT]
