"""`tape`: both sides of a call as sound, for whoever records it or listens to it; `tapes`: which calls are
recorded.

Why it exists: the other streams of a call are trimmed within milliseconds of their use, and none of them says
what was heard. Ingress, which sees both sides, writes half a second an entry, only while somebody wants it.
Owns: the format of both, their bounds. Pure. Must not know: what a recorder makes of it (console/recorder).

Times in an entry are those of its run: one unbroken piece of writing by one ingress. `wall_ms` is the wall
time of a run's beginning, so that runs of several ingresses can be laid behind one another. Entries of a run
are numbered: a jump is a loss. What came too late for its entry stands in a later one, under its own place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.audio import BYTES_PER_MS, SILENCE_BYTE
from shared.contract.card import TapeState
from shared.contract.command import Command
from shared.contract.entry import VERSION, Fields, known, whole
from shared.contract.errors import EntryError
from shared.contract.keys import CALL_TTL_MS, Keys

ENTRY_MS = 500
"""Of sound in an entry."""

MAXLEN = 240
"""Two minutes: the bound of `tape`. The oldest are dropped by Redis, and the recorder finds the numbers
missing."""

MAX_AGE_MS = 10_000.0
"""What could not be written for so long is dropped, and its number is missing too."""

TAPE_TTL_MS = 600_000
"""Sound that nobody looks after is gone after ten minutes; END gives it as long as the card."""

KEEP_ENTRIES = 60
"""How often its time is renewed: each half minute."""

TAPES_MAXLEN = 10_000
GROUP = "recorder"
RECORDED, LISTENED = "r", "l"
"""What an entry is for."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound of one side: µ-law, and its place in samples since the beginning of the run."""

    at: int
    audio: bytes

    @property
    def end(self) -> int:
        """Behind its last sample."""
        return self.at + len(self.audio)


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeEntry:
    """One entry."""

    run: str
    number: int
    """Within the run, from 1."""
    leg: int
    wall_ms: int
    """When the run began; wall time of its ingress."""
    from_ms: int
    to_ms: int
    """What it tells of, since the beginning of the run; without a piece there it was silent."""
    uses: str
    """RECORDED, LISTENED, or both."""
    lost: int = 0
    """Frames of the caller that never came."""
    way_ms: int = 0
    """To the carrier and back, by the last pings; 0: not known."""
    pauses: bool = False
    """It is the last one before a pause that was asked for."""
    caller: tuple[Piece, ...] = ()
    """The left side, as received."""
    heard: tuple[Piece, ...] = ()
    """The right side: what the carrier has played by then."""


def tape_fields(entry: TapeEntry) -> Fields:
    """An entry."""
    fields = [
        b"v", VERSION, b"run", entry.run.encode(), b"n", b"%d" % entry.number, b"leg", b"%d" % entry.leg,
        b"wall", b"%d" % entry.wall_ms, b"from", b"%d" % entry.from_ms, b"to", b"%d" % entry.to_ms,
        b"for", entry.uses.encode(), b"lost", b"%d" % entry.lost, b"way", b"%d" % entry.way_ms,
        b"pauses", b"%d" % entry.pauses,
    ]  # fmt: skip
    for side, pieces in ((b"l", entry.caller), (b"r", entry.heard)):
        for piece in pieces:
            fields += (b"%b:%d" % (side, piece.at), piece.audio)
    return fields


def tape_command(keys: Keys, call_sid: str, entry: TapeEntry, *, creates: bool) -> Command:
    """Adds it to the call's stream. `creates`: makes the stream, if it is not there; else nothing is written
    then, so that what comes after the end of a call brings nothing back."""
    key = keys.tape(call_sid).encode()
    head: tuple[bytes, ...] = (b"XADD", key) if creates else (b"XADD", key, b"NOMKSTREAM")
    words = (*head, b"MAXLEN", b"%d" % MAXLEN, b"*", *tape_fields(entry))
    return Command(keys.lane(call_sid), words)


def keep_command(keys: Keys, call_sid: str) -> Command:
    """Behind an entry that makes it, and every KEEP_ENTRIES: whoever writes says that it is still wanted."""
    words = (b"PEXPIRE", keys.tape(call_sid).encode(), b"%d" % TAPE_TTL_MS)
    return Command(keys.lane(call_sid), words)


def trim_command(keys: Keys, call_sid: str, keep_from: str) -> Command:
    """Forgets entries before this id."""
    words = (b"XTRIM", keys.tape(call_sid).encode(), b"MINID", keep_from.encode())
    return Command(keys.lane(call_sid), words)


def read_tape(fields: Mapping[bytes, bytes]) -> TapeEntry:
    """Raises EntryError."""
    found = known("tape", fields)
    caller: list[Piece] = []
    heard: list[Piece] = []
    for name, value in found.items():
        side, _, at = name.partition(b":")
        if at:
            place = whole(at)
            if side not in (b"l", b"r") or place is None:
                raise EntryError("tape", "piece", "l:place or r:place", name)
            (caller if side == b"l" else heard).append(Piece(place, value))
    return TapeEntry(
        run=found.get(b"run", b"").decode(errors="replace"),
        number=_number(found, b"n"),
        leg=_number(found, b"leg"),
        wall_ms=_number(found, b"wall"),
        from_ms=_number(found, b"from"),
        to_ms=_number(found, b"to"),
        uses=found.get(b"for", b"").decode(errors="replace"),
        lost=_number(found, b"lost"),
        way_ms=_number(found, b"way"),
        pauses=_number(found, b"pauses") == 1,
        caller=tuple(caller),
        heard=tuple(heard),
    )


# What is wanted of it.


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeWish:
    """What a brain wants ingress to write of a call: the value of a `tape` pair in `out`."""

    recording: TapeState
    listen_ms: int = 0
    """For so long it is wanted for a listener too, unless that is said again; 0: for nobody."""


def wish_fields(wish: TapeWish) -> bytes:
    """As it stands in the pair."""
    return f"{wish.recording.value or '-'} {wish.listen_ms}".encode()


def read_wish(value: bytes) -> TapeWish:
    """The same. Raises EntryError."""
    word, _, listen_ms = value.decode(errors="replace").partition(" ")
    for_ms = whole(listen_ms)
    try:
        if for_ms is None:
            raise ValueError
        return TapeWish(recording=TapeState("" if word == "-" else word), listen_ms=for_ms)
    except ValueError:
        raise EntryError("pair", "tape", "a word of recording and a number of ms", value) from None


# Which calls are recorded.


def tapes_commands(keys: Keys, call_sid: str) -> tuple[Command, Command]:
    """A call has something to be recorded: told at the beginning of each run."""
    lane = keys.lane(call_sid)
    key = keys.tapes(lane).encode()
    fields = (b"v", VERSION, b"call", call_sid.encode())
    return (
        Command(lane, (b"XADD", key, b"MAXLEN", b"~", b"%d" % TAPES_MAXLEN, b"*", *fields)),
        Command(lane, (b"PEXPIRE", key, b"%d" % CALL_TTL_MS)),
    )


def read_taped(fields: Mapping[bytes, bytes]) -> str:
    """The call. Raises EntryError."""
    found = known("tapes", fields)
    if b"call" not in found:
        raise EntryError("tapes", "call", "a text", None)
    return found[b"call"].decode(errors="replace")


def samples(ms: float) -> int:
    """So many samples are so long."""
    return round(ms * BYTES_PER_MS)


def laid_out(pieces: Sequence[Piece], at: int, n_samples: int) -> bytes:
    """So much of one side from a place on, silence where there is no piece."""
    side = bytearray([SILENCE_BYTE]) * n_samples
    for piece in pieces:
        begin, end = max(piece.at, at), min(piece.end, at + n_samples)
        if begin < end:
            side[begin - at : end - at] = piece.audio[begin - piece.at : end - piece.at]
    return bytes(side)


# Private.


def _number(found: Mapping[bytes, bytes], name: bytes) -> int:
    number = whole(found.get(name, b""))
    if number is None:
        raise EntryError("tape", name.decode(), "a whole number", found.get(name))
    return number
