"""A stage for one call's core: a brain that writes, an ingress that forwards, a telephone that plays.

All in given time, 5 ms a step, nothing sleeps. Ingress keeps its fence of leg, cut and frame number
(docs/design.md, Ownership), the telephone plays one frame after the other in real time and echoes marks as
Twilio does: also at a clear. Each can be told to be silent.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field

from egress.actions import Action, Attach, Clear, Frame, Mark, Post, Refill, Save
from egress.backlog import Base
from egress.delivery import Call
from egress.positions import Start, read_start
from shared.audio import FRAME_BYTES, FRAME_MS
from shared.contract.entries import ReplyEntry, ReplyKind

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
    """Egress between its neighbours. `call` may be replaced: a new owner."""

    now: float = 1000.0
    lead_ms: float = 160.0
    leg: int = 1
    forward_ms: float = 0.0
    """How long what egress sends needs to Twilio; never out of order."""
    ingress_is_dead: bool = False
    echoes_are_lost: bool = False
    egress_is_frozen: bool = False
    played: list[tuple[float, bytes]] = field(default_factory=list)
    """(when it began to play, frame)"""
    sent_at: list[tuple[float, int]] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    saves: list[Save] = field(default_factory=list)
    clears: list[float] = field(default_factory=list)
    reply: list[tuple[str, ReplyEntry]] = field(default_factory=list)
    card: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._entry = 0
        self.highest_n = 0
        self.highest_cut = 0
        self.queue: deque[bytes | str] = deque()
        self._free_at = 0.0
        self._back: deque[tuple[float, str, int | str]] = deque()
        self._progress_at = self._told_at = 0.0
        self._unread: deque[tuple[str, ReplyEntry]] = deque()
        self._under_way: deque[tuple[float, Action]] = deque()
        self.call = self.claim(1)

    def claim(self, epoch: int, card: dict[str, str] | None = None) -> Call:
        """A new owner of the call, from the card as it stands; it reads `reply` from its first entry."""
        start = read_start(self.card if card is None else card, epoch)
        start = Start(leg=self.leg, ingress="i", epoch=epoch, base=start.base, frame_n=start.frame_n)
        self.call = Call(start, self.now, self.lead_ms)
        self._unread = deque(self.reply)
        self.act(self.call.begin())
        return self.call

    # The brain.

    def write(self, kind: str, item: str = "a", offset: int = 0, audio: bytes = b"", **other: object) -> str:
        """One entry of `reply`; `cut`, `epoch` and `response` have defaults."""
        self._entry += 1
        entry = ReplyEntry(
            kind=ReplyKind(kind),
            epoch=int(str(other.get("epoch", 1))),
            cut=int(str(other.get("cut", 0))),
            response_id=str(other.get("response", "r")),
            item_id=item,
            offset_bytes=offset,
            t_ms=0.0,
            audio=audio,
        )
        entry_id = f"{self._entry}-0"
        self.reply.append((entry_id, entry))
        self._unread.append((entry_id, entry))
        return entry_id

    def say(self, audio: bytes, item: str = "a", piece: int = 1000, **other: object) -> None:
        """A whole item and the end of its response."""
        for at in range(0, len(audio), piece):
            self.write("audio", item, at, audio[at : at + piece], **other)
        self.write("item_end", item, len(audio), **other)
        self.write("response_end", item, **other)

    # Time.

    def run(self, ms: float) -> None:
        """Lets time pass."""
        end = self.now + ms
        while self.now < end:
            self.now += STEP_MS
            while self._under_way and self._under_way[0][0] <= self.now:
                self._arrive(self._under_way.popleft()[1])
            self._play()
            if self._progress_at and self._progress_at <= self.now:
                self._progress_at, self._told_at = 0.0, self.now
                self._tell("forwarded", self.highest_n)
            if self.egress_is_frozen:
                continue
            while self._back and self._back[0][0] <= self.now:
                _, kind, value = self._back.popleft()
                self._hear_back(kind, value)
            while self._unread:
                self.act(self.call.on_reply(*self._unread.popleft(), self.now))
            self.act(self.call.tick(self.now))

    def open_leg(self) -> None:
        """A new media stream: a fresh socket, nothing queued in it."""
        self.leg += 1
        self.ingress_is_dead = False
        self.queue.clear()
        self._back.clear()
        self._under_way.clear()
        self._free_at = self.now
        self.act(self.call.on_stream(self.leg, "i", self.now))

    def save(self) -> None:
        self.act([self.call.save(self.now)])

    def kinds(self) -> list[str]:
        return [post.kind for post in self.posts]

    def flushed(self) -> list[dict[str, object]]:
        """The items of the last `flushed`."""
        post = next(post for post in reversed(self.posts) if post.kind == "flushed")
        return list(json.loads(str(post.fields["items"])))

    def audio(self) -> list[bytes]:
        return [frame for _, frame in self.played]

    # Ingress and Twilio.

    @property
    def played_ms(self) -> float:
        """How much audio the caller has heard by now."""
        return sum(min(FRAME_MS, self.now - began) for began, _ in self.played)

    def act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Frame() | Mark() | Clear() | Attach():
                    if isinstance(action, Frame):
                        self.sent_at.append((self.now, action.n))
                    if self.forward_ms or self._under_way:
                        last = self._under_way[-1][0] if self._under_way else 0.0
                        self._under_way.append((max(last, self.now + self.forward_ms), action))
                    else:
                        self._arrive(action)
                case Post():
                    self.posts.append(action)
                case Save(keep_from=keep_from, figures=figures):
                    self.saves.append(action)
                    self.card.update({name: str(value) for name, value in figures.items()})
                    if keep_from:
                        keep = int(keep_from.partition("-")[0])
                        below = int(keep_from.partition("-")[2])
                        self.reply = [e for e in self.reply if (int(e[0][:-2]), 0) >= (keep, below)]
                case Refill(after_id=after_id):
                    behind = [e for e in self.reply if int(e[0][:-2]) > int(after_id[:-2])]
                    self.act(self.call.on_refill(after_id, behind[:100], self.now))

    def _arrive(self, action: Action) -> None:
        match action:
            case Frame(n, audio):
                if not self.ingress_is_dead and n > self.highest_n:
                    self.highest_n = n
                    self.queue.append(audio)
                    self._progress_at = self._progress_at or max(self.now, self._told_at + PROGRESS_MS)
            case Mark(_, name):
                if not self.ingress_is_dead:
                    self.queue.append(name)
            case Clear():
                self.clears.append(self.now)
                for held in self.queue:
                    if isinstance(held, str):
                        self._tell("echo", held)
                self.queue.clear()
                self._free_at = self.now
            case Attach():
                if not self.ingress_is_dead:
                    self._tell("attached", self.highest_n)

    def _play(self) -> None:
        while self.queue and self._free_at <= self.now:
            head = self.queue.popleft()
            if isinstance(head, bytes):
                begins = self._free_at if self.now - self._free_at < STEP_MS else self.now
                self._free_at = begins + FRAME_MS
                self.played.append((begins, head))
            else:
                self._tell("echo", head)

    def _tell(self, kind: str, value: int | str) -> None:
        is_lost = self.echoes_are_lost if kind == "echo" else self.ingress_is_dead
        if not is_lost:
            self._back.append((self.now + RETURN_MS, kind, value))

    def _hear_back(self, kind: str, value: int | str) -> None:
        if kind == "echo":
            self.act(self.call.on_echo(str(value), self.now))
        elif kind == "attached":
            self.act(self.call.on_attached(self.leg, int(value), self.now))
        else:
            self.act(self.call.on_forwarded(self.leg, int(value), 0, self.now))


__all__ = ["Base", "Stage", "frames_of", "speech"]
