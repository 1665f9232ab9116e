"""What desks asked and what they were told, line by line in the order in which it happened.

A definite refusal is `fail`: nothing may have happened. A cut line, a timeout or a server error is `info`: it may
have happened or not. Each line stands alone as JSON, so that a history survives the test that wrote it.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["ok", "fail", "info"]
RECORD, ANSWER, COUNT = "record", "answer", "count"
"""A visit is recorded, a referral is answered by its partner, a counter is read."""


@dataclass(frozen=True)
class Line:
    """One moment. `n` numbers the attempts of a history; `t_s` is monotonic."""

    client: str
    n: int
    f: str
    type: Literal["invoke", "ok", "fail", "info"]
    value: Any
    t_s: float


@dataclass(frozen=True)
class Attempt:
    """An invocation and how it ended. `began` and `ended` are line numbers: they order what happened."""

    client: str
    n: int
    f: str
    asked: Any
    outcome: Outcome
    answered: Any
    began: int
    ended: int


@dataclass
class History:
    """Written by whoever asks, while it asks."""

    lines: list[Line] = field(default_factory=list)
    _asked: int = 0

    def invoke(self, client: str, f: str, value: Any) -> int:
        """Something is about to be asked; the number says which attempt `ends`."""
        self._asked += 1
        self.lines.append(Line(client, self._asked, f, "invoke", value, time.monotonic()))
        return self._asked

    def ends(self, client: str, n: int, f: str, outcome: Outcome, value: Any) -> None:
        """That attempt is over."""
        self.lines.append(Line(client, n, f, outcome, value, time.monotonic()))

    def write(self, path: Path) -> None:
        """Keep it as JSON lines."""
        path.write_text("".join(json.dumps(asdict(line)) + "\n" for line in self.lines))


def read_history(path: Path) -> History:
    """A history that was kept."""
    lines = [Line(**json.loads(text)) for text in path.read_text().splitlines()]
    return History(lines, max((line.n for line in lines), default=0))


def attempts(lines: Sequence[Line], f: str) -> Iterator[Attempt]:
    """The attempts of one kind, in the order in which they began. One that never ended may have happened."""
    endings = {line.n: (place, line) for place, line in enumerate(lines) if line.type != "invoke"}
    for place, line in enumerate(lines):
        if line.type != "invoke" or line.f != f:
            continue
        ended, ending = endings.get(line.n, (len(lines), None))
        outcome: Outcome = "info" if ending is None or ending.type == "invoke" else ending.type
        yield Attempt(line.client, line.n, f, line.value, outcome, ending.value if ending else None, place, ended)
