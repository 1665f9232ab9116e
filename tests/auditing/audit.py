"""All checks at once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.auditing.corrections import check_corrections, ever_asked
from tests.auditing.figures import Figures, check_counter, check_figures, count
from tests.auditing.finding import Finding
from tests.auditing.front_desk import check_front_desk
from tests.auditing.history import ANSWER, COUNT, RECORD, History, attempts
from tests.auditing.lives import check_chains, check_lives
from tests.auditing.order import check_cases, check_positions, check_topic
from tests.auditing.queues import check_answers, check_handed_over
from tests.auditing.stored import DROPPED, REDATED, Stored, handed_over, visits_of
from tests.auditing.visits import check_keys, check_visits

Topic = Mapping[int, str]
"""Position -> CloudEvents document."""


@dataclass(frozen=True)
class Evidence:
    """What was found in a quiet house. `topics` by (log, partition); `queues` by partner, of referral's log."""

    intake: Sequence[Stored]
    referral: Sequence[Stored]
    figures: Figures
    topics: Mapping[tuple[str, int], Topic] = field(default_factory=dict)
    queues: Mapping[str, Topic] = field(default_factory=dict)


def audit(history: History, evidence: Evidence) -> list[Finding]:
    """Everything that is wrong."""
    return list(_findings(history, evidence))


def _findings(history: History, evidence: Evidence) -> Iterator[Finding]:
    recording = list(attempts(history.lines, RECORD))
    visits = visits_of(evidence.intake)
    yield from check_visits(recording, visits)
    yield from check_keys(recording)
    yield from check_cases(recording, visits)
    yield from check_handed_over(ever_asked(evidence.intake), handed_over(evidence.referral))
    yield from check_corrections(evidence.intake, evidence.referral)
    yield from check_front_desk(evidence.intake)
    yield from check_lives(evidence.referral)
    yield from check_chains(evidence.referral)
    yield from check_answers(list(attempts(history.lines, ANSWER)), evidence.referral)
    yield from check_positions("intake", evidence.intake)
    yield from check_positions("referral", evidence.referral)
    yield from check_figures(evidence.figures, count(evidence.intake, evidence.referral))
    yield from check_counter(recording, list(attempts(history.lines, COUNT)))
    logs = _by_partition({"intake": evidence.intake, "referral": evidence.referral})
    for place, topic in evidence.topics.items():
        yield from check_topic("{}:{}".format(*place), topic, logs.get(place, {}))
    queues = _by_queue(evidence.referral)
    for partner, queue in evidence.queues.items():
        yield from check_topic(f"queue of {partner}", queue, queues.get(partner, {}))


def _by_partition(logs: Mapping[str, Sequence[Stored]]) -> dict[tuple[str, int], Topic]:
    found: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
    for name, log in logs.items():
        for event in log:
            found[name, event.partition][event.position] = event.entry
    return dict(found)


def _by_queue(referral: Sequence[Stored]) -> dict[str, Topic]:
    found: dict[str, dict[int, str]] = defaultdict(dict)
    for event in referral:
        # A request itself lies in nobody's queue.
        if event.type not in (DROPPED, REDATED):
            found[event.data.get("partner", "coordinator")][event.position] = event.entry
    return dict(found)
