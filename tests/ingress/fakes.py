"""Stand-ins for what surrounds media streams and calls: a socket, a clock, an outbox that keeps all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hiredis
import orjson

from ingress.calls.call import IngressCall
from ingress.calls.post import BackPost
from ingress.calls.services import IngressServices
from ingress.counters import CallCounters, SocketCounters
from ingress.errors import StartRefused
from ingress.media import twilio
from ingress.media.stream import MediaStream, StreamHost
from ingress.media.wire import StreamStart, Wire
from ingress.media.write_times import WriteWindow
from ingress.tape.taper import Tapes
from shared.contract.command import Command
from shared.contract.keys import Keys
from shared.contract.steps import Attached, NewStream
from shared.contract.streams.pairs import Name, Pair, read_name
from shared.logs.log import get_log
from shared.ownership.journal import JournalPen
from shared.store.writing.outbox import Outbox
from shared.store.writing.write_queue import OnReply, OnVoid
from tests.support.guards import a_guard
from tests.support.ways import way_to

CALL = "CA" + "1" * 32
STREAM = "MZ" + "2" * 32
EGRESS = "egress-0@h#a"
MEDIA_TIMEOUT_MS = 20_000.0
WALL_MS = 1_700_000_000_000
"""What the wall clock is ahead of the monotonic one."""
TOLD = NewStream(
    call_sid=CALL, stream_sid=STREAM, ingress="ingress-0@h#a", nonce="0" * 32,
    caller_number="…11", called_number="…22", agent="sales", called_line="+15550002222",
)  # fmt: skip


class Clock:
    """Time that stands until it is moved."""

    def __init__(self, now_ms: float = 100_000.0) -> None:
        self.now_ms = now_ms

    def __call__(self) -> float:
        return self.now_ms


class FakeSocket:
    """Records what is done to a connection, in words, and what is written to it."""

    def __init__(self, clock: Clock) -> None:
        self.last_data_at_ms = clock()
        self.peer = "127.0.0.1"
        self.failure = ""
        self.is_open = True
        self.unsent_bytes = 0
        self.is_full = False
        self.done: list[str] = []
        self.written: list[bytes] = []
        self.window = WriteWindow(0.0, 0)
        self.asked: list[bytes] = []
        """Payloads of the pings that measure the way."""
        self.is_let_in = False

    def write_media(self, cut: int, message: bytes, frames: int) -> bool:
        if not self.is_full:
            self.done.append(f"media {cut}")
            self.written.append(message)
        return not self.is_full

    def write_control(self, message: bytes) -> None:
        self.done.append("control")
        self.written.append(message)

    def drop_media_below(self, cut: int) -> None:
        self.done.append(f"drop {cut}")

    def ping(self, payload: bytes = b"") -> None:
        if payload:
            self.asked.append(payload)
        else:
            self.done.append("ping")

    def take_window(self) -> WriteWindow:
        return self.window

    def close(self, code: int, reason: str) -> None:
        self.done.append(f"close {int(code)} {reason}")

    def abort(self) -> None:
        self.done.append("abort")

    def let_in(self) -> None:
        self.is_let_in = True


class RecordingOutbox(Outbox):
    """Never connects; keeps each command as its words, and who wants its reply."""

    def __init__(self) -> None:
        super().__init__(way_to("redis://127.0.0.1:1/0"), name="test", commit_ms=3.0)
        self.sent: list[Sequence[bytes]] = []
        self.asked: list[OnReply] = []
        self.packed: list[Sequence[bytes]] = []
        """Of those that came packed: the audio path's."""

    def send(self, command: Command, *, on_reply: OnReply | None = None, urgent: bool = False) -> None:
        self.sent.append(command.args)
        if on_reply is not None:
            self.asked.append(on_reply)

    def send_packed(
        self, tag: int | bytes, packed: bytes, *, max_age_ms: float, on_void: OnVoid | None = None
    ) -> None:
        reader = hiredis.Reader()
        reader.feed(packed)
        self.packed.append(reader.gets())


class FakeHost:
    """Keeps what a media stream says of its start and end; never answers by itself."""

    def __init__(self) -> None:
        self.started: list[StreamStart] = []
        self.causes: list[str] = []
        self.bugs: list[Exception] = []
        self.refuses: StartRefused | None = None
        """Answers each start with this, at once."""

    def ports(self) -> StreamHost:
        return StreamHost(
            self._start,
            lambda stream: self.causes.append(stream.cause),
            lambda stream, bug: self.bugs.append(bug),
        )

    def _start(self, stream: MediaStream, start: StreamStart) -> None:
        self.started.append(start)
        if self.refuses is not None:
            stream.refuse(self.refuses)


class Desk:
    """A call and its media stream, all around them fake; keeps what is told to egress."""

    def __init__(self, *, wire: Wire = twilio, is_attached: bool = True) -> None:
        self.clock = Clock()
        self.asleep_ms = 0.0
        """How long this process stood still in all."""
        self.socket = FakeSocket(self.clock)
        self.outbox = RecordingOutbox()
        self.host = FakeHost()
        self.counters = CallCounters()
        self.sockets = SocketCounters()
        self.told: list[tuple[str, Name, bytes]] = []
        self.sounds: dict[str, bytes] = {}
        self.post = BackPost(self._send, self.counters, a_guard(), self.clock)
        journal = JournalPen(self.outbox, Keys(4), b"ingress-0@h#a")
        self.services = IngressServices(
            Keys(4),
            self.outbox,
            "ingress-0@h#a",
            journal,
            self.post,
            self.counters,
            self.sound_of,
            Tapes(Keys(4), self.outbox, "ingress-0@h#a", self.counters, self.wall_ms),
        )
        self.call = IngressCall(CALL, self.services, self.clock())
        self.stream = MediaStream(
            self.socket, wire, self.host.ports(), self.counters, self.sockets.faults, get_log(),
            media_timeout_ms=MEDIA_TIMEOUT_MS, awake=self.awake, clock=self.clock,
        )  # fmt: skip
        if is_attached:
            self.stream.text(start_message())
            assert self.attach()

    def awake(self) -> float:
        """The awake clock."""
        return self.clock() - self.asleep_ms

    def wall_ms(self) -> int:
        """The wall clock."""
        return round(self.clock()) + WALL_MS

    def sound_of(self, sound_id: str) -> bytes:
        """What the shelf has: the sounds in `sounds`."""
        return self.sounds.get(sound_id, b"")

    def attach(self, leg: int = 1) -> bool:
        """The stream gets the call."""
        self.call.connect(self.stream, TOLD, Attached(leg, leg == 1), self.clock())
        return self.stream.attached(leg, self.call.listener)

    def receive(self, kind: str, *, n: int = 0, cut: int = 0, epoch: int = 1, value: bytes = b"a",
                worker: str = EGRESS) -> None:  # fmt: skip
        """A pair of `out` comes."""
        leg, now = self.call.fence.leg, self.clock()
        if kind == "frame":
            self.call.receive_frames(worker, leg, epoch, cut, n, value, now)
        else:
            self.call.receive(worker, Name(kind, CALL, leg, epoch, cut, n), value, now)

    def look(self, after_ms: float = 0.0, *, store_away: bool = False) -> bool:
        """The sweep comes by so much later."""
        return self.call.fill_silence(self.clock() + after_ms, store_away=store_away)

    def _send(self, worker: str, pairs: list[Pair]) -> None:
        self.told += [(worker, read_name(name), value) for name, value in pairs]


def start_message(call_sid: str = CALL, stream_sid: str = STREAM) -> bytes:
    """Twilio's `start`."""
    return message("start", stream_sid, callSid=call_sid, streamSid=stream_sid)


def message(event: str, stream_sid: str = STREAM, /, **body: Any) -> bytes:
    """A message of Twilio's."""
    return orjson.dumps({"event": event, "streamSid": stream_sid, event: body})
