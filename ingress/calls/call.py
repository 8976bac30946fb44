"""One call as this process sees it: the fence, the newest media stream, the egress that serves it.

Why it exists: a call may have several media streams one after another; frame numbers, cuts and epochs run
over all of them. Owns: what is written to the call's socket, what its caller's frames, keys and echoes
become. Must not know: webhooks, how a stream is attached, the clock: `now_ms` is given.
"""

from __future__ import annotations

from collections import deque

from ingress.calls.fence import Admit, Fence
from ingress.calls.owed import OwedSound, Step
from ingress.calls.services import IngressServices
from ingress.media.gate import CloseCode
from ingress.media.stream import MediaStream, StreamListener
from ingress.sound.filling import Filling
from ingress.sound.hold_clip import CLIP_MS, hold_clip
from ingress.tape.taper import Taper
from shared import resp
from shared.audio import FRAME_BYTES, FRAME_MS
from shared.contract.lua.scripts import Answer
from shared.contract.steps import Attached, NewStream
from shared.contract.streams.caller import MAX_AGE_MS, CallerPacker
from shared.contract.streams.control import Dtmf, Outranked
from shared.contract.streams.journal import Kind
from shared.contract.streams.pairs import (
    BackKind,
    Name,
    OutKind,
    Pair,
    frames_in,
    groups,
    playing,
    read_debt,
    read_owes,
    way,
)
from shared.contract.streams.tape import read_wish

HOLD_CLIP = hold_clip()
PICK_UP_MS = 400.0
"""The carrier opens a stream a quarter to half a second after it has picked up: the caller waits from then
on."""

UNHEARD_MOST = int(MAX_AGE_MS / FRAME_MS)
"""As much of a caller's voice as is kept while Redis is away."""

OUTRANKED_EVERY_MS = 1000.0
CLIP_CUT = -1
"""Below every cut of the brain: any clear drops what of our own sound is unsent."""

BRAINS = (OutKind.CLOSE, OutKind.OWES, OutKind.FILL, OutKind.TAPE)
"""Pairs of the brain."""


class IngressCall:
    """Made when its first stream is attached here; forgotten when it has ended or moved away."""

    __slots__ = (
        "_answered_at_ms",
        "_counters",
        "_is_written_again",
        "_packer",
        "_post",
        "_services",
        "_unheard",
        "call_sid",
        "egress",
        "fence",
        "filling",
        "forwarded",
        "listener",
        "owed",
        "stream",
        "taper",
        "told",
    )

    def __init__(self, call_sid: str, services: IngressServices, now_ms: float) -> None:
        self.call_sid = call_sid
        self.fence = Fence()
        self.stream: MediaStream | None = None
        """The newest one here, until it is detached."""
        self.told: NewStream | None = None
        """What ATTACH was told of it; kept for a Redis that comes back empty."""
        self.egress = ""
        """The egress worker that spoke last within the fence: reports go to it."""
        self.forwarded = 0
        """Number of the last frame given to a socket."""
        self.listener = StreamListener(self.hear, self.echo, self.press)
        """For its streams: its own three methods."""
        self._services = services
        self._counters, self._post = services.counters, services.post
        self._packer = CallerPacker(services.keys, call_sid)
        self._unheard: deque[bytes] = deque(maxlen=UNHEARD_MOST)
        """What the caller said and pressed while Redis had lost the call, as commands, in order."""
        self._is_written_again = False
        """The card is being written again: what comes meanwhile waits behind what was said before."""
        self._answered_at_ms: dict[str, float] = {}
        """When each writer of an epoch that is too low was told so."""
        self.owed = OwedSound(now_ms - PICK_UP_MS, CLIP_MS)
        """The account of the silence that its caller hears."""
        self.filling = Filling()
        """The user's own sound, while they wait."""
        self.taper = Taper(call_sid, services.tapes)

    def connect(self, stream: MediaStream, told: NewStream, attached: Attached, now_ms: float) -> None:
        """A new stream has the call. Raises ValueError if its leg is not newer."""
        leg = attached.leg
        self.fence.raise_leg(leg)
        self.stream, self.told = stream, told
        self.filling.gone(now_ms)
        self.taper.stream_opened(leg, now_ms)
        before = self.owed
        owed_ms = max(before.owed_ms, attached.owed_ms) if leg > 1 else 0.0
        self.owed = OwedSound(
            now_ms - PICK_UP_MS,
            CLIP_MS,
            owed_ms=owed_ms,
            cause=attached.owed_cause or before.cause,
            settled=before.settled,
        )

    # From the caller.

    def hear(self, leg: int, chunk: int, now_ms: float, audio: bytes) -> None:
        """20 ms of the caller: on to the brain."""
        self.owed.caller(audio, now_ms)
        if self.taper.tracks is not None:
            self.taper.tracks.caller(chunk, audio, now_ms)
        packer = self._packer
        packed = packer.pack(leg, chunk, now_ms, audio)
        if self._is_written_again:
            self._unheard.append(packed)
            return
        self._services.outbox.send_packed(
            packer.lane, packed, max_age_ms=MAX_AGE_MS, on_void=self._unheard.append
        )

    def press(self, leg: int, digit: str) -> None:
        """A key was pressed: on to the brain. No owner speaks here: only an ended call refuses."""
        command = self._services.letter(self.call_sid, Dtmf(digit=digit, leg=leg))

        def answered(reply: object) -> None:
            if isinstance(reply, list) and reply[:1] == [Answer.ABSENT.encode()]:
                self._unheard.append(resp.pack(command.args))

        if self._is_written_again:
            self._unheard.append(resp.pack(command.args))
        else:
            self._services.outbox.send(command, urgent=True, on_reply=answered)

    # While Redis has lost the call.

    def lost(self) -> None:
        """Its card is about to be written again, on the same connection as all that we write: what was
        written before will have come back by the time of the answer."""
        self._is_written_again = True

    def written_again(self) -> None:
        """What the caller said and pressed meanwhile goes to the brain, in its order."""
        self._is_written_again = False
        unheard = list(self._unheard)
        self._unheard.clear()
        self._counters.unheard += len(unheard)
        for packed in unheard:
            self._services.outbox.send_packed(
                self._packer.lane, packed, max_age_ms=MAX_AGE_MS, on_void=self._unheard.append
            )

    def echo(self, mark: str, now_ms: float) -> None:
        """The carrier's echo of a mark: on to egress at once, with what was forwarded so far."""
        self._counters.echoes += 1
        self.owed.echo(mark, now_ms)
        if self.egress:
            self._post.at_once(self.egress, self._pair(BackKind.ECHO, mark.encode()))
            self._post.at_once(self.egress, self._forwarded())

    # From `out`.

    def receive_frames(
        self, worker: str, leg: int, epoch: int, cut: int, n: int, audio: bytes, now_ms: float
    ) -> None:
        """One frame or a group, `n` is the number of the last one. What the socket was given of them before
        is left out. Without an open socket nothing passes, and nothing is raised: a new leg may still want
        them."""
        stream, fence, frames = self._open_stream(), self.fence, frames_in(audio)
        if stream is None:
            self._counters.out_drops[Admit.OLD_LEG] += frames
            return
        cut_before, frame_before = fence.cut, fence.last_frame
        admit = fence.admit_frame(leg, epoch, cut, n)
        if admit is not Admit.PASS:
            self._counters.out_drops[admit] += frames
            if admit is Admit.OLD_EPOCH:
                self._outranked(worker, now_ms)
            return
        if frames > n - frame_before:
            repeated = frames - (n - frame_before)
            self._counters.out_drops[Admit.REPEATED] += repeated
            frames, audio = frames - repeated, audio[repeated * FRAME_BYTES :]
        self.egress = worker
        if cut > cut_before:
            stream.socket.drop_media_below(cut)
        self._counters.out_frames += frames
        if self.owed.ours.ends(audio, now_ms):
            self._end_ours(stream, now_ms)
        if audio and stream.socket.write_media(cut, stream.build_media(stream.stream_sid, audio), frames):
            self.owed.frames(audio, now_ms)
            if self.taper.tracks is not None:
                self.taper.tracks.given(audio, now_ms)
            self.forwarded = n
            self._post.moved(self)
        else:
            fence.take_back(frame_before)

    def receive(self, worker: str, name: Name, value: bytes, now_ms: float) -> bool:
        """Any other pair of an `out` entry. True if it was a clear and is written."""
        stream = self._open_stream()
        if stream is None:
            self._counters.out_drops[Admit.OLD_LEG] += 1
            return False
        counters, cut_before = self._counters, self.fence.cut
        admit = self.fence.admit(name)
        if admit is not Admit.PASS:
            counters.out_drops[admit] += 1
            if admit is Admit.OLD_EPOCH:
                self._outranked(worker, now_ms, is_brain=name.kind in BRAINS)
            return False
        if name.kind == OutKind.CLOSE:
            counters.out_closes += 1
            reason = value.decode(errors="replace")
            # NORMAL, so that the carrier goes on to /voice/resume.
            stream.close(CloseCode.NORMAL, f"brain: {reason}" if reason else "brain")
            return False
        if name.kind == OutKind.OWES:
            self.owed.word(read_owes(name, value), now_ms)
            return False
        if name.kind == OutKind.TAPE:
            self.taper.wish(read_wish(value), now_ms)
            return False
        if name.kind == OutKind.FILL:
            self.filling.word(value.decode(errors="replace"), name.n, now_ms)
            return False
        self.egress = worker
        if self.fence.cut > cut_before:
            stream.socket.drop_media_below(self.fence.cut)
        if name.kind == OutKind.CLEAR:
            counters.out_clears += 1
            self.owed.cleared(now_ms)
            self._clear(stream, now_ms)
            return True
        if name.kind == OutKind.PAUSE:
            counters.out_pauses += 1
            self._pause(stream, value, now_ms)
        elif name.kind == OutKind.MARK:
            counters.out_marks += 1
            mark = value.decode(errors="replace")
            self.owed.mark(mark, now_ms)
            stream.socket.write_control(stream.build_mark(stream.stream_sid, mark))
        elif name.kind == OutKind.SOUND:
            self.owed.sound(read_debt(value), now_ms)
        elif name.kind == OutKind.SOUND_END:
            self.owed.end(read_debt(value), now_ms)
        elif name.kind == OutKind.ATTACH:
            self._post.at_once(worker, self._pair(BackKind.GROUPS, groups()))
            self._post.at_once(worker, self._pair(BackKind.PAUSES, b""))
            stream.trip.tell_again()
            self.tell_way()
            self._post.at_once(worker, self._pair(BackKind.ATTACHED, playing(self.owed.playing_ms(now_ms))))
        return False

    # Silence.

    def fill_silence(self, now_ms: float, *, store_away: bool, store_refuses: bool = False) -> bool:
        """Plays the hold clip when the rule says so, the user's sound where wanted. False: apologise now."""
        stream = self.stream
        if stream is None or not stream.takes_audio:
            return True
        step = self.owed.check(now_ms, store_away=store_away, store_refuses=store_refuses)
        for cause, silent_ms in self.owed.take_silence().items():
            self._counters.owed_silence_ms[cause] += round(silent_ms)
        if step is Step.PLAY:
            self._counters.hold_clips += 1
            self.note_silence(Kind.HOLD_CLIP)
            self._play(stream, HOLD_CLIP, now_ms)
        elif step is Step.NOTHING and self.filling.wants(now_ms) and self.owed.is_free(now_ms):
            self._fill(stream, now_ms)
        return step is not Step.APOLOGISE

    def look_at_tape(self, now_ms: float) -> None:
        """Both sides of the call as sound, where that is wanted."""
        if self.stream is not None:
            self.taper.way_ms = self.stream.trip.ms
        self.taper.look(now_ms)

    def note_silence(self, kind: Kind) -> None:
        """A line in the journal: what the caller hears instead of what is owed."""
        owed = self.owed
        self._services.journal.note(self.call_sid, kind, cause=owed.cause, owed_ms=round(owed.owed_ms))

    # Reports.

    def progress(self, now_ms: float) -> tuple[str, Pair, bool] | None:
        """See `post.Moving`. It is told until what was given has played: egress believes no more of a socket
        than the last word of it proves."""
        if not self.egress or self.stream is None:
            return None
        is_unheard = self.stream.socket.unsent_bytes > 0 or self.owed.playing_ms(now_ms) > 0
        return self.egress, self._forwarded(), is_unheard

    def tell_way(self) -> None:
        """How long the socket takes to Twilio and back, if that has changed."""
        if self.stream is None or not self.egress:
            return
        way_ms = self.stream.trip.news()
        if way_ms is not None:
            self._post.at_once(self.egress, self._pair(BackKind.WAY, way(way_ms)))

    # Private.

    def _outranked(self, worker: str, now_ms: float, *, is_brain: bool = False) -> None:
        """What a writer said was dropped, since another spoke with a higher epoch. It is told so once a
        second: should Redis name it as the owner all the same, its claim must be above what was seen here."""
        if now_ms - self._answered_at_ms.get(worker, -OUTRANKED_EVERY_MS) < OUTRANKED_EVERY_MS:
            return
        self._answered_at_ms[worker] = now_ms
        self._counters.outranked += 1
        if not is_brain:
            self._post.at_once(worker, self._pair(BackKind.OUTRANKED, b""))
            return
        word = Outranked(worker=worker, highest=self.fence.brain_epoch)
        self._services.outbox.send(self._services.letter(self.call_sid, word), urgent=True)

    def _open_stream(self) -> MediaStream | None:
        stream = self.stream
        return stream if stream is not None and stream.takes_audio else None

    def _end_ours(self, stream: MediaStream, now_ms: float) -> None:
        """A frame has come: what is left of our own sound gives way to it."""
        stream.socket.drop_media_below(CLIP_CUT + 1)
        self._clear(stream, now_ms)

    def _clear(self, stream: MediaStream, now_ms: float) -> None:
        """The carrier forgets what it has not played."""
        self.filling.gone(now_ms)
        if self.taper.tracks is not None:
            self.taper.tracks.cleared(now_ms)
        stream.socket.write_control(stream.build_clear(stream.stream_sid))

    def _pause(self, stream: MediaStream, mark: bytes, now_ms: float) -> None:
        """The carrier forgets what it has not played: it comes again. The mark behind is egress's own."""
        self._post.paused(self)
        self.owed.cleared(now_ms, goes_on=True)
        stream.socket.drop_media_below(self.fence.cut + 1)
        self._clear(stream, now_ms)
        stream.socket.write_control(stream.build_mark(stream.stream_sid, mark.decode(errors="replace")))

    def _fill(self, stream: MediaStream, now_ms: float) -> None:
        """The next piece of the user's own sound: the caller waits, and hears nothing else."""
        sound = self._services.sound_of(self.filling.sound_id)
        if not sound:
            return
        piece, until_ms = self.filling.take(sound, now_ms)
        if self._play(stream, piece, now_ms):
            self.owed.filled(until_ms, now_ms)
            self._counters.filled_frames += frames_in(piece)

    def _play(self, stream: MediaStream, audio: bytes, now_ms: float) -> bool:
        """Sound of ours to the caller; False: too much is unsent."""
        message = stream.build_media(stream.stream_sid, audio)
        is_given = stream.socket.write_media(CLIP_CUT, message, frames_in(audio))
        if is_given and self.taper.tracks is not None:
            self.taper.tracks.given(audio, now_ms)
        return is_given

    def _forwarded(self) -> Pair:
        unsent = 0 if self.stream is None else self.stream.socket.unsent_bytes
        return self._pair(BackKind.FORWARDED, b"%d" % unsent)

    def _pair(self, kind: BackKind, value: bytes) -> Pair:
        fence = self.fence
        name = Name(kind, self.call_sid, fence.leg, fence.egress_epoch, fence.cut, self.forwarded)
        return name.encode(), value
