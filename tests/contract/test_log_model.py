"""The log beside a model of plain dicts: whatever is appended, both tell the same."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from shared.envelope import decode
from shared.log import ANY, AlreadyAnswered, Append, Appended, KeyReused, Log, VersionConflict
from shared.log.append import Outcome
from tests.logs import answer, opened_log, to_append

STREAMS, PARTITIONS_MAX = 5, 3
Result = TypeVar("Result")


@dataclass(frozen=True)
class Asked:
    """One append, in terms that mean the same to the log and to the model."""

    stream: int
    expected: int
    events: int
    tagged: bool
    key: int | None
    request: bytes


asked = st.builds(
    Asked,
    st.integers(0, STREAMS - 1),
    st.sampled_from([ANY, ANY, 0, 0, 1, 2, 3, 4, 5]),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from([None, None, None, 1, 2, 3]),
    st.sampled_from([b"one", b"one", b"other"]),
)


@dataclass
class Model:
    """What a log is, in as few words as possible. Streams and tags live in one partition each."""

    run: int
    partitions: int
    heads: dict[int, int]
    streams: dict[str, list[int]] = field(default_factory=dict)
    tagged: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)

    def stream(self, number: int) -> str:
        return f"case-{self.run}-{number}"

    def partition(self, stream: int) -> int:
        return stream % self.partitions

    def tag(self, partition: int) -> str:
        return f"p-{self.run:05}-{partition}"

    def to_append(self, one: Asked) -> Append:
        partition = self.partition(one.stream)
        return to_append(
            self.stream(one.stream),
            one.expected,
            events=one.events,
            partition=partition,
            tag=self.tag(partition) if one.tagged else None,
            answer=answer(f"key-{self.run}-{one.key}", request=one.request) if one.key else None,
        )

    def append(self, one: Asked) -> str:
        if one.key in self.answers:
            request, body = self.answers[one.key]
            return f"answered {body!r}" if request == one.request else "key reused"
        versions = self.streams.get(self.stream(one.stream), [])
        if one.expected not in (ANY, len(versions)):
            return f"conflict at {len(versions)}"
        partition = self.partition(one.stream)
        start, end = self.heads[partition], self.heads[partition] + one.events
        new = list(range(start + 1, end + 1))
        self.heads[partition] = end
        self.streams[self.stream(one.stream)] = versions + new
        if one.tagged:
            self.tagged.setdefault(self.tag(partition), []).extend(new)
        if one.key is not None:
            self.answers[one.key] = (one.request, b"first@%d" % end)
        return f"appended at {partition}:{end}, version {len(versions) + one.events}"


def told(outcome: Outcome | BaseException) -> str:
    match outcome:
        case Appended(partition, position, version):
            return f"appended at {partition}:{position}, version {version}"
        case VersionConflict():
            return f"conflict at {outcome.actual}"
        case AlreadyAnswered():
            return f"answered {outcome.body!r}"
        case KeyReused():
            return "key reused"
    raise AssertionError(outcome)


class LogBesideModel(RuleBasedStateMachine):
    """Each run goes on in the same log, with streams, tags and keys of its own."""

    log: Log
    runner: asyncio.Runner
    runs = count(1)

    def __init__(self) -> None:
        super().__init__()
        heads = self.wait(self.log.heads())
        self.model = Model(next(self.runs), min(self.log.partitions, PARTITIONS_MAX), heads)

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    @rule(some=st.lists(asked, min_size=1, max_size=6))
    def append_at_one_moment(self, some: list[Asked]) -> None:
        async def append() -> list[Appended | BaseException]:
            appends = (self.log.append(self.model.to_append(one)) for one in some)
            return await asyncio.gather(*appends, return_exceptions=True)

        outcomes = [told(outcome) for outcome in self.wait(append())]
        assert outcomes == [self.model.append(one) for one in some]

    @rule(some=st.lists(asked, max_size=6))
    def append_each(self, some: list[Asked]) -> None:
        outcomes = self.wait(self.log.append_each([self.model.to_append(one) for one in some]))
        assert [told(outcome) for outcome in outcomes] == [self.model.append(one) for one in some]

    @rule(stream=st.integers(0, STREAMS - 1), after=st.integers(0, 6))
    def read(self, stream: int, after: int) -> None:
        name = self.model.stream(stream)
        read = self.wait(self.log.read(name, after))
        positions = self.model.streams.get(name, [])
        assert [one.position for one in read] == positions[after:]
        assert [one.version for one in read] == list(range(after + 1, len(positions) + 1))

    @rule(partition=st.integers(0, PARTITIONS_MAX - 1), back=st.integers(0, 9), limit=st.integers(1, 9))
    def read_after(self, partition: int, back: int, limit: int) -> None:
        head = self.model.heads.get(partition, 0)
        after = max(head - back, 0)
        if partition < self.model.partitions:
            read = self.wait(self.log.read_after(partition, after, limit))
            assert [entry.position for entry in read] == list(range(after + 1, min(after + limit, head) + 1))
            assert [decode(entry.body).position for entry in read] == [entry.position for entry in read]

    @rule(partition=st.integers(0, PARTITIONS_MAX - 1), skipped=st.integers(0, 4), limit=st.integers(1, 9))
    def read_tagged(self, partition: int, skipped: int, limit: int) -> None:
        tag = self.model.tag(partition)
        positions = self.model.tagged.get(tag, [])
        after = positions[skipped - 1] if 0 < skipped <= len(positions) else 0
        read = self.wait(self.log.read_tagged(tag, after, limit))
        assert [entry.position for entry in read] == [place for place in positions if place > after][:limit]

    @rule(partition=st.integers(0, PARTITIONS_MAX - 1), newest=st.integers(0, 9))
    def nth_newest(self, partition: int, newest: int) -> None:
        tag = self.model.tag(partition)
        positions = self.model.tagged.get(tag, [])
        expected = positions[-newest - 1] if newest < len(positions) else 0
        assert self.wait(self.log.nth_newest(tag, newest)) == expected

    @rule()
    def tags(self) -> None:
        ours = f"p-{self.model.run:05}-"
        assert [tag for tag in self.wait(self.log.tags()) if tag.startswith(ours)] == sorted(self.model.tagged)

    @invariant()
    def heads_agree(self) -> None:
        assert self.wait(self.log.heads()) == self.model.heads


def test_the_log_does_what_a_dict_would(database_url: str) -> None:
    with asyncio.Runner() as runner:
        opened = opened_log(database_url)
        machine = type("Machine", (LogBesideModel,), {"runner": runner, "log": runner.run(opened.__aenter__())})
        try:
            bounds = settings(max_examples=30, stateful_step_count=20, deadline=None, database=None)
            run_state_machine_as_test(machine, settings=bounds)
        finally:
            runner.run(opened.__aexit__(None, None, None))
