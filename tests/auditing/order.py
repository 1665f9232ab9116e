"""Order: places are dense, a case keeps the order in which its visits were made, a topic repeats its log."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from tests.auditing.finding import Finding
from tests.auditing.history import Attempt
from tests.auditing.stored import Stored, Visit


def check_positions(name: str, log: Sequence[Stored]) -> Iterator[Finding]:
    """Positions of a partition, and versions of a stream, are 1, 2, 3 ... without a hole or a double."""
    partitions, streams = defaultdict(list), defaultdict(list)
    for event in sorted(log, key=lambda each: (each.partition, each.position)):
        partitions[event.partition].append(event.position)
        streams[event.stream].append(event.version)
    for partition, positions in partitions.items():
        if positions != list(range(1, len(positions) + 1)):
            yield Finding("position skipped", f"{name}:{partition} has {len(positions)}, the last is {positions[-1]}")
    for stream, versions in streams.items():
        if versions != list(range(1, len(versions) + 1)):
            yield Finding("version skipped", f"{name} {stream} has {versions}")


def check_cases(recording: Sequence[Attempt], stored: Sequence[Visit]) -> Iterator[Finding]:
    """Of two visits of a case, the one that was answered before the other was asked comes first."""
    versions = {visit.visit_id: visit.version for visit in stored}
    cases = defaultdict(list)
    for one in sorted(recording, key=lambda each: each.ended):
        if one.outcome == "ok" and one.answered["visit_id"] in versions:
            cases[one.answered["case_id"]].append(one)
    for case_id, made in cases.items():
        for earlier, later in pairwise(made):
            in_order = versions[earlier.answered["visit_id"]] <= versions[later.answered["visit_id"]]
            # A repeated answer ends late but tells of something early: only a first asking says when it was.
            if not in_order and earlier.ended < _first_asked(recording, later):
                yield Finding("order swapped", f"case {case_id}: {later.answered['visit_id']} came too early")


def check_topic(name: str, topic: Mapping[int, str], log: Mapping[int, str]) -> Iterator[Finding]:
    """What a topic or queue carries is what the log has at the same position, in one run from there to its end."""
    for position, entry in topic.items():
        if log.get(position) != entry:
            yield Finding("topic differs from log", f"{name} at {position}")
    missing = [position for position in log if topic and position >= min(topic) and position not in topic]
    if missing:
        yield Finding("topic has a hole", f"{name} lacks {missing[:10]}")


def _first_asked(recording: Sequence[Attempt], one: Attempt) -> int:
    return min(each.began for each in recording if each.asked["key"] == one.asked["key"])
