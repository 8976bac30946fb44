"""One call as this process sees it: the fence, the newest media socket, the egress that serves it.

Why it exists: a call may have several media sockets one after another; frame numbers, cuts and
epochs run over all of them. Owns what is written to the call's socket. Must not know Redis or the
webhooks.
"""

from __future__ import annotations

from typing import Protocol

from ingress.calls.dead_air import DeadAir, Wish
from ingress.calls.fence import Admit, Fence
from ingress.calls.hold_clip import CLIP_MS, hold_clip
from ingress.calls.post import BackPost
from ingress.counters import CallCounters
from ingress.media import wire as twilio
from shared.clock import now_ms
from shared.contract.entries import BackKind, Name, OutKind, Pair

HOLD_CLIP = hold_clip()
CLIP_CUT = -1
"""Below every cut of the brain: any clear drops what of the clip is unsent."""


class Line(Protocol):
    """The media socket of a leg, as the call writes to it."""

    stream_sid_bytes: bytes

    @property
    def takes_audio(self) -> bool:
        """Attached and open."""

    @property
    def unsent_bytes(self) -> int: ...

    def write_media(self, cut: int, message: bytes) -> bool: ...

    def write_control(self, message: bytes) -> None: ...

    def drop_media_below(self, cut: int) -> None: ...

    def hang_up(self, reason: str) -> None:
        """The brain's `close`: 1000, so that Twilio goes on to /voice/resume."""


class Call:
    """Created when its first leg is attached here; forgotten when it has ended or moved away."""

    __slots__ = ("_counters", "_dead_air", "_post", "call_sid", "egress", "fence", "forwarded", "line")

    def __init__(self, call_sid: str, post: BackPost, counters: CallCounters) -> None:
        self.call_sid = call_sid
        self.fence = Fence()
        self.line: Line | None = None
        self.egress = ""
        """The egress worker that spoke last within the fence: reports go to it."""
        self.forwarded = 0
        """Number of the last frame given to a socket."""
        self._post = post
        self._counters = counters
        self._dead_air = DeadAir(now_ms(), CLIP_MS)

    def connect(self, line: Line, leg: int) -> None:
        """A new leg has the call. Raises ValueError if the leg is not newer."""
        self.fence.raise_leg(leg)
        self.line = line
        self._dead_air = DeadAir(now_ms(), CLIP_MS)

    # ------------------------------------------------------------------------ from `out`

    def take_frame(self, worker: str, leg: int, epoch: int, cut: int, n: int, audio: bytes) -> None:
        """A frame. Without an open socket nothing passes, and nothing is raised: a new leg may
        still want it."""
        line, fence = self._open_line(), self.fence
        if line is None:
            return
        cut_before, frame_before = fence.cut, fence.last_frame
        admit = fence.admit_frame(leg, epoch, cut, n)
        if admit is not Admit.PASS:
            self._counters.out_drops[admit] += 1
            return
        self.egress = worker
        if cut > cut_before:
            line.drop_media_below(cut)
        if self._dead_air.is_restless:
            self._end_clip(line)
        self._counters.out_frames += 1
        if audio and line.write_media(cut, twilio.build_media(line.stream_sid_bytes, audio)):
            self.forwarded = n
            self._post.moved(self)
        else:
            fence.take_back(frame_before)

    def take(self, worker: str, name: Name, value: bytes) -> None:
        """Any other pair of an `out` entry."""
        line = self._open_line()
        if line is None:
            return
        cut_before = self.fence.cut
        admit = self.fence.admit(name)
        if admit is not Admit.PASS:
            self._counters.out_drops[admit] += 1
            return
        kind = name.kind
        if kind == OutKind.CLOSE:
            self._counters.out_closes += 1
            line.hang_up(value.decode(errors="replace"))
            return
        if kind == OutKind.DUE:
            self._dead_air.due(now_ms(), is_due=value not in (b"", b"0"))
            return
        self.egress = worker
        self._dead_air.egress_seen()
        if self.fence.cut > cut_before:
            line.drop_media_below(self.fence.cut)
        if kind == OutKind.MARK:
            self._counters.out_marks += 1
            mark = value.decode(errors="replace")
            line.write_control(twilio.build_mark(line.stream_sid_bytes, mark))
        elif kind == OutKind.CLEAR:
            self._counters.out_clears += 1
            line.write_control(twilio.build_clear(line.stream_sid_bytes))
        elif kind == OutKind.ATTACH:
            self._post.at_once(worker, self._pair(BackKind.ATTACHED, b""))

    # ------------------------------------------------------------------------ dead air

    def listen(self, now: float, store_away_at_ms: float | None) -> bool:
        """Plays the hold clip when the rule says so. False when it is time to apologise."""
        line = self.line
        if line is None or not line.takes_audio:
            return True
        wish = self._dead_air.look(now, store_away_at_ms)
        if wish is Wish.PLAY:
            self._counters.hold_clips += 1
            line.write_media(CLIP_CUT, twilio.build_media(line.stream_sid_bytes, HOLD_CLIP))
        return wish is not Wish.APOLOGISE

    def _end_clip(self, line: Line) -> None:
        """A frame has come: what is left of the clip gives way to it."""
        if self._dead_air.spoken(now_ms()):
            line.drop_media_below(CLIP_CUT + 1)
            line.write_control(twilio.build_clear(line.stream_sid_bytes))

    def _open_line(self) -> Line | None:
        line = self.line
        if line is not None and line.takes_audio:
            return line
        self._counters.out_drops[Admit.OLD_LEG] += 1
        return None

    # ------------------------------------------------------------------------ to `back`

    def echo(self, mark: str) -> None:
        """Twilio's echo of a mark: on to egress at once, with what was forwarded so far."""
        self._counters.echoes += 1
        if self.egress:
            self._post.at_once(self.egress, self._pair(BackKind.ECHO, mark.encode()))
            self._post.at_once(self.egress, self._forwarded())

    def progress(self) -> tuple[str, Pair, bool] | None:
        """See `post.Moving`."""
        if not self.egress or self.line is None:
            return None
        return self.egress, self._forwarded(), self.line.unsent_bytes > 0

    def _forwarded(self) -> Pair:
        unsent = 0 if self.line is None else self.line.unsent_bytes
        return self._pair(BackKind.FORWARDED, b"%d" % unsent)

    def _pair(self, kind: BackKind, value: bytes) -> Pair:
        fence = self.fence
        name = Name(kind, self.call_sid, fence.leg, fence.egress_epoch, fence.cut, self.forwarded)
        return name.encode(), value
