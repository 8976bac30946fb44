"""A stage for one call's core: a brain that writes, an ingress that forwards, a telephone that plays.

All in given time, 5 ms a step, nothing sleeps. Ingress keeps its fence of leg, cut and frame number
(docs/design.md, Ownership), the telephone plays one frame after the other in real time and echoes marks as
Twilio does: also at a clear. Each can be told to be silent.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from egress.actions import Action, Attach, Clear, End, Frames, Mark, Pause, Post, Refill, Save, Sound
from egress.delivery import Delivery
from egress.takeover.positions import read_start
from shared.audio import FRAME_BYTES, FRAME_MS
from shared.contract import record
from shared.contract.card import CallState, StreamEnd
from shared.contract.entry import order
from shared.contract.streams.control import Audible, Flushed, FlushedItem, Heard, Silent
from shared.contract.streams.pairs import GROUP_FRAMES
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.contract.views import EgressView

STEP_MS = 5.0
RETURN_MS = 15.0
"""How long a word of ingress needs back to egress."""

PROGRESS_MS = 100.0
"""How often ingress says how far it came; echoes, answers and the first frames after a pause go at once."""


def speech(length: int, seed: int = 0) -> bytes:
    """Bytes in which every frame is different from every other, and none is silence."""
    frames = []
    for index in range(-(-length // FRAME_BYTES)):
        head = (seed * 1000 + index).to_bytes(4, "big").replace(b"\xff", b"\xfe")
        frames.append(head + bytes([index % 200]) * (FRAME_BYTES - 4))
    return b"".join(frames)[:length]


def frames_of(audio: bytes) -> list[bytes]:
    """The frames of a whole item, the tail padded."""
    padded = audio + b"\xff" * (-len(audio) % FRAME_BYTES)
    return [padded[at : at + FRAME_BYTES] for at in range(0, len(padded), FRAME_BYTES)]


@dataclass
class Stage:
    """Egress between its neighbours. `delivery` may be replaced: a new owner."""

    now: float = 1000.0
    lead_ms: float = 160.0
    leg: int = 1
    forward_ms: float = 0.0
    """How long what egress sends needs to Twilio; never out of order."""
    ingress_is_dead: bool = False
    echoes_are_lost: bool = False
    egress_is_frozen: bool = False
    is_detached: bool = False
    played: list[tuple[float, bytes]] = field(default_factory=list)
    """(when it began to play, frame)"""
    sent_at: list[tuple[float, int]] = field(default_factory=list)
    told: list[Audible | Heard | Silent | Flushed] = field(default_factory=list)
    """What the brain was told."""
    groups: list[int] = field(default_factory=list)
    """How many frames each of them had."""
    clears: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    knows_pauses: bool = True
    """Ingress can have what plays stopped; an older one cannot, and does not say so."""
    says_playing: bool = True
    """Ingress says with `attached` how long what it has will still play; an older one does not."""
    answers: list[tuple[Sound | End, int]] = field(default_factory=list)
    """What ingress was told of debts, and how many frames had left by then."""
    reply: list[tuple[str, ReplyEntry]] = field(default_factory=list)
    card: dict[str, str] = field(default_factory=dict)
    """What egress has saved."""

    def __post_init__(self) -> None:
        self._entry = 0
        self._cut_written = 0
        self.highest_n = self.fence_cut = 0
        self.queue: deque[bytes | str] = deque()
        self._free_at = 0.0
        self._back: deque[tuple[float, str, int | str, int | None]] = deque()
        self._progress_at = self._told_at = self._stays_at = 0.0
        self._unread: deque[tuple[str, ReplyEntry]] = deque()
        self._under_way: deque[tuple[float, Action, int]] = deque()
        self.claims = 1
        self.delivery = self.claim()

    def claim(self) -> Delivery:
        """A new owner of the call, from the card as it stands; it reads `reply` from its first entry."""
        scripted = {
            "state": CallState.DETACHED if self.is_detached else CallState.ATTACHED,
            "leg": str(self.leg),
            "ingress": "i",
            "cut": str(self._cut_written),
            "frame_n": "0",
            "egress_claims": str(self.claims),
        }
        self.claims += 1
        start = read_start(record.read(EgressView, {**scripted, **self.card}))
        self.delivery = Delivery(start, self.now, self.lead_ms)
        self._unread = deque(self.reply)
        self.act(self.delivery.begin())
        return self.delivery

    def succeed(self, after_ms: float) -> Delivery:
        """The owner dies now, without a word; what it was told on the way back is lost. So much later there
        is another."""
        self.egress_is_frozen = True
        self.run(after_ms)
        self.egress_is_frozen = False
        self._back.clear()
        return self.claim()

    # The brain.

    def write(
        self,
        kind: str,
        item: str = "a",
        offset: int = 0,
        audio: bytes = b"",
        *,
        epoch: int = 1,
        cut: int = 0,
        response: str = "r",
        debt: int = 0,
        pause_ms: int = 0,
    ) -> str:
        """One entry of `reply`; returns its id."""
        self._entry += 1
        entry = ReplyEntry(
            kind=ReplyKind(kind),
            epoch=epoch,
            cut=cut,
            response_id=response,
            item_id=item,
            offset_bytes=offset,
            t_ms=0.0,
            audio=audio,
            debt=debt,
            pause_ms=pause_ms,
        )
        self._cut_written = max(self._cut_written, cut)
        entry_id = f"{self._entry}-0"
        self.reply.append((entry_id, entry))
        self._unread.append((entry_id, entry))
        return entry_id

    def say(
        self,
        audio: bytes,
        item: str = "a",
        piece: int = 1000,
        *,
        epoch: int = 1,
        cut: int = 0,
        response: str = "r",
        debt: int = 0,
    ) -> None:
        """A whole item and the end of its response."""
        for at in range(0, len(audio), piece):
            part = audio[at : at + piece]
            self.write("audio", item, at, part, epoch=epoch, cut=cut, response=response, debt=debt)
        self.write("item_end", item, len(audio), epoch=epoch, cut=cut, response=response)
        self.write("response_end", item, epoch=epoch, cut=cut, response=response)

    # Time.

    def run(self, ms: float) -> None:
        """Lets time pass."""
        end = self.now + ms
        while self.now < end:
            self.now += STEP_MS
            while self._under_way and self._under_way[0][0] <= self.now:
                self._arrive(*self._under_way.popleft()[1:])
            self._play()
            if self._progress_at and self._progress_at <= self.now:
                self._progress_at, self._told_at = 0.0, self.now
                self._tell_progress()
            elif self._stays_at and self._stays_at <= self.now:
                self._tell_progress()
            if self.egress_is_frozen:
                continue
            while self._back and self._back[0][0] <= self.now:
                _, *told = self._back.popleft()
                self._hear_back(*told)
            while self._unread:
                self.act(self.delivery.on_reply(*self._unread.popleft(), self.now))
            self.act(self.delivery.tick(self.now))

    def close_leg(self) -> None:
        """The media stream ends, and its ingress leaves word of how far it came."""
        playing_ms, way_ms = round(self.playing_ms), round(2 * self.forward_ms)
        stream_end = StreamEnd(self.leg, self.highest_n, playing_ms, way_ms, self.fence_cut)
        if self.highest_n:
            self.card["stream_end"] = stream_end.word()
        self.is_detached = self.ingress_is_dead = True
        self.queue.clear()
        self._under_way.clear()
        if not self.egress_is_frozen:
            self.act(self.delivery.on_detached(self.leg, self.now))

    def attach_leg(self) -> None:
        """There is a new one, at an ingress that has never had the call; nobody is told."""
        self.leg += 1
        self.is_detached = self.ingress_is_dead = False
        self.highest_n = self.fence_cut = 0
        self._back.clear()
        self._progress_at = self._stays_at = 0.0

    def open_leg(self, *, was_open: bool = False) -> None:
        """A new media stream: a fresh socket, nothing queued in it."""
        self.leg += 1
        self.is_detached = self.ingress_is_dead = False
        self.queue.clear()
        self._back.clear()
        self._under_way.clear()
        self._free_at = self.now
        self.act(self.delivery.on_stream(self.leg, "i", self.now, was_open=was_open))

    def save(self) -> None:
        """As once a second."""
        self.act([self.delivery.save(self.now)])

    def kinds(self) -> list[type]:
        """What the brain was told, by kind."""
        return [type(message) for message in self.told]

    def silent(self) -> Silent:
        """The last thing that the brain was told: nobody is heard any more."""
        last = self.told[-1]
        assert isinstance(last, Silent)
        return last

    def flushed(self) -> tuple[FlushedItem, ...]:
        """The items of the last flush."""
        return next(told for told in reversed(self.told) if isinstance(told, Flushed)).read_items()

    def audio(self) -> list[bytes]:
        """The frames that were played."""
        return [frame for _, frame in self.played]

    # Ingress and Twilio.

    @property
    def played_ms(self) -> float:
        """How much audio the caller has heard by now."""
        return sum(min(FRAME_MS, self.now - began) for began, _ in self.played)

    def act(self, actions: list[Action]) -> None:
        """Does what the core asks for."""
        for action in actions:
            match action:
                case Frames() | Mark() | Clear() | Pause() | Attach():
                    if isinstance(action, Frames):
                        count = len(action.audio) // FRAME_BYTES
                        assert 1 <= count <= GROUP_FRAMES
                        assert len(action.audio) == count * FRAME_BYTES
                        self.groups.append(count)
                        self.sent_at += [(self.now, n) for n in range(action.n - count + 1, action.n + 1)]
                    cut = self.delivery.cut
                    if self.forward_ms or self._under_way:
                        last = self._under_way[-1][0] if self._under_way else 0.0
                        self._under_way.append((max(last, self.now + self.forward_ms), action, cut))
                    else:
                        self._arrive(action, cut)
                case Sound() | End():
                    self.answers.append((action, len(self.sent_at)))
                case Post(message=message):
                    self.told.append(message)
                case Save(keep_from=keep_from, figures=figures):
                    self.card.update({name: str(value) for name, value in record.write(figures).items()})
                    if keep_from:
                        self.reply = [entry for entry in self.reply if order(entry[0]) >= order(keep_from)]
                case Refill(after_id=after_id):
                    behind = [entry for entry in self.reply if order(entry[0]) > order(after_id)]
                    self.act(self.delivery.on_refill(after_id, behind[:100], self.now))

    @property
    def playing_ms(self) -> float:
        """How long what the telephone has will still play."""
        frames = sum(isinstance(held, bytes) for held in self.queue)
        return max(0.0, self._free_at - self.now) + frames * FRAME_MS

    def _arrive(self, action: Action, cut: int) -> None:
        if not self.ingress_is_dead and isinstance(action, Frames | Clear):
            self.fence_cut = max(self.fence_cut, cut)
        match action:
            case Frames(n, audio):
                if not self.ingress_is_dead and n > self.highest_n:
                    # As ingress does: what it has of a group is left out.
                    self.queue.extend(frames_of(audio)[self.highest_n - n :])
                    self.highest_n = n
                    self._progress_at = self._progress_at or max(self.now, self._told_at + PROGRESS_MS)
            case Mark(_, name):
                if not self.ingress_is_dead:
                    self.queue.append(name)
            case Clear() if not self.ingress_is_dead:
                self.clears.append(self.now)
                for held in self.queue:
                    if isinstance(held, str):
                        self._tell("echo", held)
                self.queue.clear()
                self._free_at = self.now
            case Pause(mark=mark) if not self.ingress_is_dead:
                assert self.knows_pauses
                self.pauses.append(self.now)
                for held in [*self.queue, mark]:
                    if isinstance(held, str):
                        self._tell("echo", held)
                self.queue.clear()
                self._free_at = self.now
                # As ingress does: how far it came is told now, and what comes next is a beginning.
                if self._progress_at:
                    self._tell_progress()
                self._progress_at = self._told_at = 0.0
            case Attach():
                if not self.ingress_is_dead:
                    playing_ms = int(self.playing_ms) if self.says_playing else None
                    self._tell("attached", self.highest_n, playing_ms)

    def _play(self) -> None:
        while self.queue and self._free_at <= self.now:
            head = self.queue.popleft()
            if isinstance(head, bytes):
                begins = self._free_at if self.now - self._free_at < STEP_MS else self.now
                self._free_at = begins + FRAME_MS
                self.played.append((begins, head))
            else:
                self._tell("echo", head)

    def _tell_progress(self) -> None:
        """As ingress does: also that it is there, until what it gave has played."""
        self._tell("forwarded", self.highest_n)
        self._stays_at = self.now + PROGRESS_MS if self.playing_ms > 0 else 0.0

    def _tell(self, kind: str, value: int | str, playing_ms: int | None = None) -> None:
        is_lost = self.echoes_are_lost if kind == "echo" else self.ingress_is_dead
        if not is_lost:
            self._back.append((self.now + RETURN_MS, kind, value, playing_ms))

    def _hear_back(self, kind: str, value: int | str, playing_ms: int | None) -> None:
        if kind == "echo":
            self.act(self.delivery.on_echo(str(value), self.now))
        elif kind == "attached":
            self.delivery.can_pause = self.knows_pauses
            told = self.delivery.on_attached(
                self.leg, int(value), self.now, cut=self.fence_cut, playing_ms=playing_ms
            )
            self.act(told)
        else:
            self.act(self.delivery.on_forwarded(self.leg, int(value), 0, self.now))
