"""Commands on streams and consumer groups.

Why it exists: as plain_commands.py, for the type that audio and control travel in. Owns: words in, reply out;
which reads block. Must not know: who waits, and for how long.
"""

from __future__ import annotations

from dataclasses import dataclass

from proofs.simulate.redis.entries import LAST, NEVER, Group, Id, Pending, Stream, text_of
from proofs.simulate.redis.keyspace import OK, Keyspace, Refused
from proofs.simulate.redis.plain_commands import Args, command, number

BAD_ID = "ERR Invalid stream ID specified as stream command argument"
TOO_SMALL = "ERR The ID specified in XADD is equal or smaller than the target stream top item"


def read_id(word: bytes, seq: int = 0) -> Id:
    """An id; one without its second part gets `seq`. Raises Refused."""
    ms, dash, rest = word.partition(b"-")
    try:
        return int(ms), int(rest) if dash else seq
    except ValueError:
        raise Refused(BAD_ID) from None


def _range_end(word: bytes, *, first: bool) -> Id:
    if word == b"-":
        return NEVER
    if word == b"+":
        return LAST
    if word.startswith(b"("):
        ms, seq = read_id(word[1:])
        return (ms, seq + 1) if first else ((ms, seq - 1) if seq else (ms - 1, 2**64 - 1))
    return read_id(word, 0 if first else 2**64 - 1)


def _shown(stream: Stream, ids: list[Id]) -> list[object]:
    return [[text_of(entry_id), list(stream.fields[entry_id])] for entry_id in ids]


def _trimmed(stream: Stream, args: Args, at: int) -> tuple[int, int]:
    """Reads MAXLEN or MINID from `at` on; returns (the next word, how many entries went). What may be
    inexact (`~`) is exact here but for whole hundreds, as Redis drops whole nodes."""
    kind = args[at].upper()
    at += 1
    about = args[at] == b"~"
    at += args[at] in (b"~", b"=")
    limit = args[at]
    at += 1
    if at < len(args) and args[at].upper() == b"LIMIT":
        at += 2
    if kind == b"MINID":
        return at, 0 if about else stream.keep_from(read_id(limit))
    most = number(limit)
    if about:
        surplus = (len(stream.ids) - most) // 100 * 100
        return at, stream.keep_last(len(stream.ids) - surplus) if surplus > 0 else 0
    return at, stream.keep_last(most)


@command("XADD", writes=True, least=4)
def xadd(keys: Keyspace, args: Args) -> object:
    """The id, or nil with NOMKSTREAM."""
    at, makes, trim_at = 1, True, 0
    while True:
        word = args[at].upper()
        if word == b"NOMKSTREAM":
            makes = False
            at += 1
        elif word in (b"MAXLEN", b"MINID"):
            trim_at = at
            at, _ = _trimmed(Stream(), args, at)
        else:
            break
    fields = args[at + 1 :]
    if not fields or len(fields) % 2:
        raise Refused("ERR wrong number of arguments for 'xadd' command")
    stream = keys.find(args[0], Stream)
    if stream is None:
        if not makes:
            return None
        stream = Stream()
    if args[at] == b"*":
        entry_id = stream.next_id(keys.now_ms)
    else:
        entry_id = read_id(args[at])
        if entry_id <= stream.last_id:
            raise Refused(TOO_SMALL)
    keys.values[args[0]] = stream
    stream.add(entry_id, list(fields))
    if trim_at:
        _trimmed(stream, args, trim_at)
    keys.touched.append(args[0])
    return text_of(entry_id)


@command("XTRIM", writes=True, least=3)
def xtrim(keys: Keyspace, args: Args) -> object:
    """How many went."""
    stream = keys.find(args[0], Stream)
    return 0 if stream is None else _trimmed(stream, args, 1)[1]


@command("XDEL", writes=True, least=2)
def xdel(keys: Keyspace, args: Args) -> object:
    """How many there were."""
    stream = keys.find(args[0], Stream)
    return 0 if stream is None else sum(stream.remove(read_id(word)) for word in args[1:])


@command("XLEN", least=1)
def xlen(keys: Keyspace, args: Args) -> object:
    """How many entries."""
    stream = keys.find(args[0], Stream)
    return 0 if stream is None else len(stream.ids)


@command("XRANGE", least=3)
def xrange(keys: Keyspace, args: Args) -> object:
    """Oldest first."""
    return _ranged(keys, args[0], args[1], args[2], args[3:], newest_first=False)


@command("XREVRANGE", least=3)
def xrevrange(keys: Keyspace, args: Args) -> object:
    """Newest first."""
    return _ranged(keys, args[0], args[2], args[1], args[3:], newest_first=True)


def _ranged(
    keys: Keyspace, key: bytes, first: bytes, last: bytes, rest: Args, *, newest_first: bool
) -> list[object]:
    stream = keys.find(key, Stream)
    if stream is None:
        return []
    ids = stream.between(_range_end(first, first=True), _range_end(last, first=False))
    if newest_first:
        ids.reverse()
    return _shown(stream, ids[: number(rest[1])] if rest else ids)


@command("XINFO", least=2)
def xinfo(keys: Keyspace, args: Args) -> object:
    """STREAM, GROUPS and CONSUMERS, as far as anybody asks."""
    stream = keys.find(args[1], Stream)
    if stream is None:
        raise Refused("ERR no such key")
    match args[0].upper():
        case b"STREAM":
            return [
                *(b"length", len(stream.ids), b"last-generated-id", text_of(stream.last_id)),
                *(b"groups", len(stream.groups)),
            ]
        case b"GROUPS":
            return [
                [
                    *(b"name", name, b"consumers", len(group.consumers), b"pending", len(group.pending)),
                    *(b"last-delivered-id", text_of(group.last_id)),
                ]
                for name, group in stream.groups.items()
            ]
        case b"CONSUMERS":
            group = _group(stream, args[1], args[2])
            return [
                [
                    *(b"name", name),
                    *(b"pending", sum(each.consumer == name for each in group.pending.values())),
                    *(b"idle", keys.now_ms - heard_ms),
                ]
                for name, heard_ms in group.consumers.items()
            ]
    raise Refused(f"ERR the simulation knows no XINFO {args[0].decode()}")


# Groups.


def _no_group(key: bytes, group: bytes) -> Refused:
    return Refused(f"NOGROUP No such key '{key.decode()}' or consumer group '{group.decode()}'")


def _group(stream: Stream | None, key: bytes, name: bytes) -> Group:
    group = None if stream is None else stream.groups.get(name)
    if group is None:
        raise _no_group(key, name)
    return group


@command("XGROUP", writes=True, least=3)
def xgroup(keys: Keyspace, args: Args) -> object:
    """CREATE, DESTROY, DELCONSUMER."""
    stream = keys.find(args[1], Stream)
    match args[0].upper():
        case b"CREATE":
            if stream is None:
                if b"MKSTREAM" not in [word.upper() for word in args]:
                    raise Refused("ERR The XGROUP subcommand requires the key to exist.")
                stream = keys.make(args[1], Stream)
            if args[2] in stream.groups:
                raise Refused("BUSYGROUP Consumer Group name already exists")
            stream.groups[args[2]] = Group(stream.last_id if args[3] == b"$" else read_id(args[3]))
            return OK
        case b"DESTROY":
            return int(stream is not None and stream.groups.pop(args[2], None) is not None)
        case b"DELCONSUMER":
            group = _group(stream, args[1], args[2])
            had = [entry_id for entry_id, each in group.pending.items() if each.consumer == args[3]]
            for entry_id in had:
                del group.pending[entry_id]
            group.consumers.pop(args[3], None)
            return len(had)
    raise Refused(f"ERR the simulation knows no XGROUP {args[0].decode()}")


@command("XACK", writes=True, least=3)
def xack(keys: Keyspace, args: Args) -> object:
    """How many were pending."""
    stream = keys.find(args[0], Stream)
    group = None if stream is None else stream.groups.get(args[1])
    if group is None:
        return 0
    return sum(group.pending.pop(read_id(word), None) is not None for word in args[2:])


@command("XPENDING", least=2)
def xpending(keys: Keyspace, args: Args) -> object:
    """The summary, or with a range the entries."""
    group = _group(keys.find(args[0], Stream), args[0], args[1])
    ids = group.pending_ids()
    rest = args[2:]
    if not rest:
        if not ids:
            return [0, None, None, None]
        counts: dict[bytes, int] = {}
        for entry_id in ids:
            counts[group.pending[entry_id].consumer] = counts.get(group.pending[entry_id].consumer, 0) + 1
        return [len(ids), text_of(ids[0]), text_of(ids[-1]), [[n, b"%d" % c] for n, c in counts.items()]]
    idle_ms = 0
    if rest[0].upper() == b"IDLE":
        idle_ms, rest = number(rest[1]), rest[2:]
    first, last = _range_end(rest[0], first=True), _range_end(rest[1], first=False)
    consumer = rest[3] if len(rest) > 3 else None
    found = []
    for entry_id in ids:
        each = group.pending[entry_id]
        idle = keys.now_ms - each.delivered_ms
        if first <= entry_id <= last and idle >= idle_ms and consumer in (None, each.consumer):
            found.append([text_of(entry_id), each.consumer, idle, each.times])
    return found[: number(rest[2])]


@command("XCLAIM", writes=True, least=5)
def xclaim(keys: Keyspace, args: Args) -> object:
    """What was taken over; with JUSTID the ids."""
    stream = keys.find(args[0], Stream)
    group = _group(stream, args[0], args[1])
    words = [word.upper() for word in args]
    just_ids = b"JUSTID" in words
    ids = [word for word in args[4:] if word.upper() not in (b"JUSTID", b"FORCE")]
    taken = []
    for entry_id in map(read_id, ids):
        each = group.pending.get(entry_id)
        if each is None or keys.now_ms - each.delivered_ms < number(args[3]):
            continue
        if entry_id not in stream.fields:
            del group.pending[entry_id]
            continue
        _hand_over(keys, group, entry_id, args[2], counts=not just_ids)
        taken.append(entry_id)
    return [text_of(entry_id) for entry_id in taken] if just_ids else _shown(stream, taken)


@command("XAUTOCLAIM", writes=True, least=5)
def xautoclaim(keys: Keyspace, args: Args) -> object:
    """The next id to ask from, what was taken over, what is no longer there."""
    stream = keys.find(args[0], Stream)
    group = _group(stream, args[0], args[1])
    words = [word.upper() for word in args]
    count = number(args[words.index(b"COUNT") + 1]) if b"COUNT" in words else 100
    start = _range_end(args[4], first=True)
    group.consumers[args[2]] = keys.now_ms
    taken: list[Id] = []
    gone: list[Id] = []
    cursor = NEVER
    looked = 0
    for entry_id in group.pending_ids():
        if entry_id < start:
            continue
        if len(taken) + len(gone) >= count or looked >= count * 10:
            cursor = entry_id
            break
        looked += 1
        if keys.now_ms - group.pending[entry_id].delivered_ms < number(args[3]):
            continue
        if entry_id not in stream.fields:
            del group.pending[entry_id]
            gone.append(entry_id)
            continue
        _hand_over(keys, group, entry_id, args[2], counts=b"JUSTID" not in words)
        taken.append(entry_id)
    shown = list(map(text_of, taken)) if b"JUSTID" in words else _shown(stream, taken)
    return [text_of(cursor), shown, list(map(text_of, gone))]


def _hand_over(keys: Keyspace, group: Group, entry_id: Id, consumer: bytes, *, counts: bool) -> None:
    each = group.pending[entry_id]
    group.consumers[consumer] = keys.now_ms
    each.consumer, each.delivered_ms = consumer, keys.now_ms
    each.times += counts


# Reads, which may block.


@dataclass(slots=True)
class Reading:
    """An XREAD or XREADGROUP, with `$` resolved."""

    keys: list[bytes]
    after: list[Id | None]
    """None: `>`, what nobody was handed yet."""
    count: int | None
    block_ms: int | None
    """None: it does not wait; 0: for ever."""
    group: bytes | None = None
    consumer: bytes = b""
    takes_no_ack: bool = False

    def read(self, space: Keyspace) -> list[object] | None:
        """What there is; None: nothing. Raises Refused."""
        found: list[object] = []
        for key, after in zip(self.keys, self.after, strict=True):
            stream = space.find(key, Stream)
            if self.group is None:
                ids = [] if stream is None else stream.after(after or NEVER, self.count)
                entries = [] if stream is None else _shown(stream, ids)
            else:
                entries = self._of_group(space, stream, key, after)
                if after is not None:
                    found.append([key, entries])
                    continue
            if entries:
                found.append([key, entries])
        return found or None

    def _of_group(self, space: Keyspace, stream: Stream | None, key: bytes, after: Id | None) -> list[object]:
        assert self.group is not None
        group = _group(stream, key, self.group)
        assert stream is not None
        group.consumers[self.consumer] = space.now_ms
        if after is not None:
            own = [i for i in group.pending_ids() if i > after and group.pending[i].consumer == self.consumer]
            own = own if self.count is None else own[: self.count]
            return [[text_of(i), list(stream.fields[i]) if i in stream.fields else None] for i in own]
        ids = stream.after(group.last_id, self.count)
        for entry_id in ids:
            group.last_id = entry_id
            if not self.takes_no_ack:
                group.pending[entry_id] = Pending(self.consumer, space.now_ms)
        return _shown(stream, ids)


def reading(space: Keyspace, name: bytes, args: Args) -> Reading:
    """Reads the words of XREAD or XREADGROUP. Raises Refused."""
    found = Reading([], [], None, None)
    at = 0
    while args[at].upper() != b"STREAMS":
        word = args[at].upper()
        if word == b"GROUP":
            found.group, found.consumer = args[at + 1], args[at + 2]
            at += 3
        elif word == b"COUNT":
            found.count = number(args[at + 1])
            at += 2
        elif word == b"BLOCK":
            found.block_ms = number(args[at + 1])
            at += 2
        elif word == b"NOACK":
            found.takes_no_ack = True
            at += 1
        else:
            raise Refused("ERR syntax error")
    words = args[at + 1 :]
    if not words or len(words) % 2:
        raise Refused(f"ERR Unbalanced '{name.decode().lower()}' list of streams")
    half = len(words) // 2
    found.keys = words[:half]
    for key, word in zip(found.keys, words[half:], strict=True):
        if word == b">":
            found.after.append(None)
        elif word == b"$":
            stream = space.find(key, Stream)
            found.after.append(NEVER if stream is None else stream.last_id)
        else:
            found.after.append(read_id(word))
    return found
