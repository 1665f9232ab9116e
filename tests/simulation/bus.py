"""A model of the server: the commands that the house sends, as Redis 7.0 answers them.

`test_bus_model.py` asks a real Valkey and this model the same, and compares each answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha1

Reply = int | bytes | str | None | list["Reply"] | dict[bytes, "Reply"] | Exception
"""What is sent back: `str` as a status, an exception as an error, None as a null array, a dict as a map."""
EntryId = tuple[int, int]
_NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL."
_TOO_SMALL = "ERR The ID specified in XADD is equal or smaller than the target stream top item"
_FULL = "OOM command not allowed when used memory > 'maxmemory'."


class ByKey(dict[bytes, Reply]):
    """A map that speakers of the protocol's second version get as an array of pairs, instead of a flat one."""


class Refused(Exception):
    """An error that the server answers with."""


class Block(Exception):
    """Nothing to be told yet: the asker waits so many milliseconds."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__()
        self.wait_ms = wait_ms


@dataclass
class Stream:
    """Entries in order. `last` outlives what was trimmed."""

    entries: list[tuple[EntryId, list[bytes]]] = field(default_factory=list)
    last: EntryId = (0, 0)


@dataclass
class Contents:
    """What a server holds, and would keep on its disk."""

    streams: dict[bytes, Stream] = field(default_factory=dict)
    hashes: dict[bytes, dict[bytes, bytes]] = field(default_factory=dict)

    def copied(self) -> "Contents":
        """As it is now."""
        streams = {key: Stream(list(stream.entries), stream.last) for key, stream in self.streams.items()}
        return Contents(streams, {key: dict(fields) for key, fields in self.hashes.items()})


class Bus:
    """One server. `appending` is the source of the relay's script: the one whose meaning is built in here."""

    def __init__(self, appending: bytes) -> None:
        self.contents = Contents()
        self.entries_max: int | None = None
        self.refused_full = 0
        self._appending = appending
        self._scripts: dict[bytes, bytes] = {}
        self._commands: dict[bytes, Callable[[Sequence[bytes]], Reply]] = {
            b"PING": lambda _: "PONG",
            b"CLIENT": self._client,
            b"HELLO": lambda _: {b"server": b"redis", b"version": b"7.0.15", b"proto": 3},
            b"SCRIPT": self._script,
            b"EVALSHA": self._evalsha,
            b"EVAL": self._eval,
            b"XADD": self._xadd,
            b"XINFO": self._xinfo,
            b"XRANGE": self._xrange,
            b"XREAD": self._xread,
            b"XTRIM": self._xtrim,
            b"HSET": self._hset,
            b"HGETALL": self._hgetall,
            b"HDEL": self._hdel,
            b"DEL": self._del,
            b"FLUSHALL": self._flushall,
        }

    def restart(self, contents: Contents | None = None) -> None:
        """Another server takes its place: with what an earlier one had kept, or with nothing."""
        self.contents = contents.copied() if contents else Contents()
        self._scripts.clear()

    def answer(self, command: Sequence[bytes]) -> Reply:
        """Carry out one command. Raises `Block` where the asker has to wait."""
        name = command[0].upper()
        if name not in self._commands:
            return Refused(f"ERR unknown command '{command[0].decode()}'")
        try:
            return self._commands[name](command[1:])
        except Refused as refused:
            return refused

    @property
    def _is_full(self) -> bool:
        held = sum(len(stream.entries) for stream in self.contents.streams.values())
        return self.entries_max is not None and held >= self.entries_max

    def _client(self, arguments: Sequence[bytes]) -> Reply:
        if arguments[0] != b"SETINFO":
            raise Refused("ERR Unknown subcommand")
        return "OK"

    def _script(self, arguments: Sequence[bytes]) -> Reply:
        digest = sha1(arguments[1], usedforsecurity=False).hexdigest().encode()
        self._scripts[digest] = arguments[1]
        return digest

    def _evalsha(self, arguments: Sequence[bytes]) -> Reply:
        source = self._scripts.get(arguments[0])
        if source is None:
            raise Refused(_NO_SCRIPT)
        return self._eval([source, *arguments[1:]])

    def _eval(self, arguments: Sequence[bytes]) -> Reply:
        source, rest = arguments[0], arguments[2:]
        self._script([b"LOAD", source])
        if source == self._appending:
            return self._compare_and_append(*rest)
        # The only other script sets one field of a hash, and may do so in a server that is full.
        return self._set(rest[0], rest[1:])

    def _compare_and_append(self, key: bytes, expected: bytes, mode: bytes, *entries: bytes) -> Reply:
        known = self.contents.streams.get(key)
        last = known.last[0] if known else 0
        if last != int(expected):
            return [0, last]
        if mode == b"restart":
            self.contents.streams.pop(key, None)
            last = 0
        for position, document in zip(entries[::2], entries[1::2], strict=True):
            try:
                self._xadd([key, position + b"-0", b"__data__", document])
            except Refused as refused:
                return [2, last, str(refused).encode()]
            last = int(position)
        return [1, last]

    def _xadd(self, arguments: Sequence[bytes]) -> Reply:
        key, entry_id, *fields = arguments
        stream = self.contents.streams.get(key) or Stream()
        if self._is_full:
            self.refused_full += 1
            raise Refused(_FULL)
        asked = (stream.last[0] + 1, 0) if entry_id == b"*" else _id(entry_id)
        if asked <= stream.last:
            raise Refused(_TOO_SMALL)
        stream.entries.append((asked, fields))
        stream.last = asked
        self.contents.streams[key] = stream
        return _text(asked)

    def _xinfo(self, arguments: Sequence[bytes]) -> Reply:
        stream = self.contents.streams.get(arguments[1])
        if stream is None:
            raise Refused("ERR no such key")
        first = _entry(stream.entries[0]) if stream.entries else None
        last = _entry(stream.entries[-1]) if stream.entries else None
        return {
            b"length": len(stream.entries),
            b"last-generated-id": _text(stream.last),
            b"first-entry": first,
            b"last-entry": last,
        }

    def _xrange(self, arguments: Sequence[bytes]) -> Reply:
        stream = self.contents.streams.get(arguments[0], Stream())
        most = int(arguments[4]) if len(arguments) > 3 else None
        return [_entry(entry) for entry in stream.entries[:most]]

    def _xread(self, arguments: Sequence[bytes]) -> Reply:
        words = [word.upper() for word in arguments]
        streams = words.index(b"STREAMS")
        most = int(arguments[words.index(b"COUNT") + 1]) if b"COUNT" in words[:streams] else None
        key, after = arguments[streams + 1], _id(arguments[streams + 2])
        entries = self.contents.streams.get(key, Stream()).entries
        found: list[Reply] = [_entry(entry) for entry in entries if entry[0] > after][:most]
        if found:
            return ByKey({key: found})
        if b"BLOCK" in words[:streams]:
            raise Block(int(arguments[words.index(b"BLOCK") + 1]))
        return None

    def _xtrim(self, arguments: Sequence[bytes]) -> Reply:
        stream = self.contents.streams.get(arguments[0], Stream())
        before = len(stream.entries)
        if arguments[1].upper() == b"MINID":
            stream.entries = [entry for entry in stream.entries if entry[0] >= _id(arguments[-1])]
        else:
            stream.entries = stream.entries[max(0, before - int(arguments[-1])) :]
        return before - len(stream.entries)

    def _hset(self, arguments: Sequence[bytes]) -> Reply:
        if self._is_full:
            raise Refused(_FULL)
        return self._set(arguments[0], arguments[1:])

    def _set(self, key: bytes, pairs: Sequence[bytes]) -> int:
        fields = self.contents.hashes.setdefault(key, {})
        before = len(fields)
        fields.update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(fields) - before

    def _hgetall(self, arguments: Sequence[bytes]) -> Reply:
        return dict(self.contents.hashes.get(arguments[0], {}))

    def _hdel(self, arguments: Sequence[bytes]) -> Reply:
        fields = self.contents.hashes.get(arguments[0], {})
        removed = sum(fields.pop(name, None) is not None for name in arguments[1:])
        if not fields:
            self.contents.hashes.pop(arguments[0], None)
        return removed

    def _del(self, keys: Sequence[bytes]) -> Reply:
        removed = 0
        for key in keys:
            removed += self.contents.streams.pop(key, None) is not None
            removed += self.contents.hashes.pop(key, None) is not None
        return removed

    def _flushall(self, _arguments: Sequence[bytes]) -> Reply:
        self.contents = Contents()
        return "OK"


def _id(text: bytes) -> EntryId:
    first, _, second = text.partition(b"-")
    return int(first), int(second or 0)


def _text(entry_id: EntryId) -> bytes:
    return b"%d-%d" % entry_id


def _entry(entry: tuple[EntryId, list[bytes]]) -> Reply:
    return [_text(entry[0]), list(entry[1])]
