"""Files that are there whole or not at all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from shared.whole_files import make_once, put

MAKERS = 8


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_of_many_who_make_a_file_at_once_all_are_told_what_the_first_wrote(tmp_path: Path) -> None:
    file, together = tmp_path / "house" / "key", Barrier(MAKERS)

    def maker(number: int) -> Callable[[], bytes]:
        def make() -> bytes:
            # Every one of them has seen that there is no file.
            together.wait()
            return b"%d" % number * 100

        return make

    with ThreadPoolExecutor(MAKERS) as pool:
        told = set(pool.map(lambda number: make_once(file, maker(number)), range(MAKERS)))
    assert told == {file.read_bytes()}
    assert (names(file.parent), mode(file)) == (["key"], 0o600)


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"of old")
    assert make_once(tmp_path / "key", lambda: pytest.fail("made")) == b"of old"


def test_a_reader_of_the_file_before_goes_on_reading_that_one(tmp_path: Path) -> None:
    file = tmp_path / "figures"
    put(file, b"before", mode=0o444)
    with file.open("rb") as reader:
        put(file, b"now", mode=0o444)
        assert reader.read() == b"before"
    assert (file.read_bytes(), names(tmp_path), mode(file)) == (b"now", ["figures"], 0o444)


def test_what_cannot_be_put_leaves_all_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        put(tmp_path / "taken", b"content")
    assert names(tmp_path) == ["taken"]


def test_a_file_on_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shared.whole_files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        make_once(tmp_path / "key", lambda: b"content")
    assert names(tmp_path) == []
