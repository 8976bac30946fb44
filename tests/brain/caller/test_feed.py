"""The caller's audio on its way to one model after the other, and out of its stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest

from brain.caller import turns
from brain.caller.feed import CallerFeed
from brain.caller.hole import Hole
from brain.caller.moves import CallerMoves
from brain.counters import BrainCounters, BrainHops
from brain.model.engine import Engine
from shared.audio import FRAME_BYTES, SILENCE_FRAME
from shared.clock import now_ms
from shared.contract.lua.scripts import Refusal
from shared.contract.streams.caller import MAX_AGE_MS, CallerPacker, read_turn
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.process.life import make_process
from shared.settings import load
from shared.store.client import Store
from shared.store.gathering import LATE_FULL_MS
from shared.store.inbox import Inbox
from tests.brain.stage import INGRESS, KEYS, SILENCE_AFTER_SPEECH_FRAMES, Line, line
from tests.support.waiting import running, wait_until

VOICE = b"\x20" * FRAME_BYTES
"""Loud enough to be one."""


class FakeEngine:
    """Takes what it is given, or one append and then none until it is drained; proves what it is told to."""

    def __init__(self, *, is_full: bool = False) -> None:
        self.heard = b""
        self.appends = 0
        self.is_full = is_full
        self.queued_events = 1
        self.appended_id = b""
        self.proven_id = b""
        self.drained: Callable[[], None] | None = None

    def append(self, audio: bytes, entry_id: bytes) -> bool:
        self.appends += 1
        self.heard += audio
        if not self.is_full:
            self.appended_id = entry_id
        return not self.is_full

    def when_drained(self, then: Callable[[], None]) -> None:
        self.drained = then

    @property
    def voices(self) -> str:
        """Which speech it heard, in order; silence is left out."""
        frames = [self.heard[at : at + FRAME_BYTES] for at in range(0, len(self.heard), FRAME_BYTES)]
        return "".join(chr(frame[0]) for frame in frames if frame != SILENCE_FRAME)


@dataclass
class Booth:
    """One call's feed on a real server, and its caller."""

    here: Line
    feed: CallerFeed
    store: Store
    inbox: Inbox
    lag_ms: list[float]
    """How late the brain's loop is: the last one counts."""
    refused: list[Refusal] = field(default_factory=list)

    async def say(self, letters: str) -> None:
        """A frame of each letter, then silence."""
        await self.here.speak(b"".join([letter.encode() * FRAME_BYTES for letter in letters]))

    async def frame(self, audio: bytes) -> None:
        """One frame, and nothing behind it; returns when the feed has it."""
        entries = self.inbox.counters.entries
        packer = CallerPacker(KEYS, self.here.call_sid)
        self.here.chunk += 1
        packed = packer.pack(1, self.here.chunk, now_ms(), audio)
        self.here.outbox.send_packed(packer.lane, packed, max_age_ms=MAX_AGE_MS)
        await wait_until(lambda: self.inbox.counters.entries == entries + 1, "the frame is read")

    async def connected(self, engine: FakeEngine) -> FakeEngine:
        self.feed.connect(cast(Engine, engine))
        return engine

    async def heard(self, engine: FakeEngine, voices: str) -> None:
        await wait_until(
            lambda: engine.voices == voices, f"the model hears {voices}", say=lambda: engine.voices
        )

    async def waiting(self) -> int:
        return await self.store.xlen(KEYS.caller(self.here.call_sid))

    async def all_moved(self) -> None:
        async def is_empty() -> bool:
            self.feed.upkeep()  # A frame without a second one is not waited for.
            return await self.waiting() == 0

        await wait_until(is_empty, "nothing waits for the model")

    async def kept(self) -> bytes:
        found = await self.store.xrange(KEYS.turn(self.here.call_sid))
        return b"".join([read_turn(fields) for _, fields in found])


@asynccontextmanager
async def booth(store: Store, redis_url: str) -> AsyncIterator[Booth]:
    settings = load(env_file=None, redis_url=redis_url, openai_api_key="key")
    process = make_process("brain", 0, settings)
    moves = CallerMoves(process.outbox, process.name, process.guard)
    try:
        async with (
            running(process.outbox.run(), process.inboxes[0].run(), moves.run()),
            line(store, redis_url) as here,
        ):
            claim = await steps.claim(store, KEYS, here.call_sid, role="brain", worker=process.name)
            refused: list[Refusal] = []
            lag_ms = [0.0]
            owner = Owner(
                process.outbox, KEYS, here.call_sid, "brain", claim.epoch, refused.append, process.name
            )
            feed = CallerFeed(
                process.store, process.inboxes[0], owner, moves, BrainCounters(), process.log,
                nudge=lambda: process.nudge(0), leg=1, ingress=INGRESS, hops=BrainHops(), host="h",
                guard=process.guard, hole=Hole(), lag_ms=lambda: lag_ms[-1],
            )  # fmt: skip
            yield Booth(here, feed, store, process.inboxes[0], lag_ms, refused)
            feed.stop()
            await here.end()
    finally:
        await process.store.aclose()


async def test_audio_that_the_model_does_not_take_stays_in_redis_and_is_known_to_wait(
    store: Store, redis_url: str
) -> None:
    """`is_paused` until the socket is drained: what makes a model that reads nothing `model_slow`."""
    async with booth(store, redis_url) as it:
        engine = await it.connected(FakeEngine(is_full=True))
        assert not it.feed.is_paused
        await it.say("ab")
        await wait_until(lambda: it.feed.is_paused, "the feed waits for the model")
        assert await it.waiting() == 2 + SILENCE_AFTER_SPEECH_FRAMES
        appends = engine.appends
        assert engine.drained is not None
        engine.drained()
        assert not it.feed.is_paused
        await wait_until(lambda: engine.appends > appends, "it reads on")
        it.feed.disconnect()
        assert not it.feed.is_paused


async def test_a_voice_goes_frame_by_frame_and_quiet_in_pairs(store: Store, redis_url: str) -> None:
    """Nobody waits for quiet outside a turn; in a turn its pause is what the answer waits for."""
    async with booth(store, redis_url) as it:
        engine = await it.connected(FakeEngine())
        await it.frame(VOICE)
        assert engine.appends == 1

        await it.frame(SILENCE_FRAME)
        assert engine.appends == 1
        await it.frame(SILENCE_FRAME)
        assert engine.appends == 2

        it.feed.speech_started("item")
        await it.frame(SILENCE_FRAME)
        assert engine.appends == 3
        it.feed.speech_stopped()
        await it.frame(SILENCE_FRAME)
        assert engine.appends == 3
        await it.frame(VOICE)
        assert engine.appends == 4
        assert engine.heard == VOICE + SILENCE_FRAME * 4 + VOICE


async def test_in_a_late_brain_a_voice_goes_in_pairs_too(store: Store, redis_url: str) -> None:
    """Until its loop keeps its time again."""
    async with booth(store, redis_url) as it:
        engine = await it.connected(FakeEngine())
        it.lag_ms.append(LATE_FULL_MS)
        await it.frame(VOICE)
        assert engine.appends == 0
        await it.frame(VOICE)
        assert engine.appends == 1

        it.lag_ms.append(0.0)
        await it.frame(VOICE)
        assert engine.appends == 2


async def test_what_the_model_got_leaves_the_stream_and_is_kept(store: Store, redis_url: str) -> None:
    """The stream's length is what waits for the model; `turn` holds the last of what it got, as it got it."""
    async with booth(store, redis_url) as it:
        engine = await it.connected(FakeEngine())
        await it.say("abcd")
        await it.all_moved()

        assert await it.kept() == engine.heard
        assert it.refused == []


async def test_a_next_session_is_told_what_the_last_one_may_not_have_received(
    store: Store, redis_url: str
) -> None:
    """Speech that nobody told of, on a connection that was dead: whole, once, in order, before what is
    new."""
    async with booth(store, redis_url) as it:
        dead = await it.connected(FakeEngine())
        await it.say("abcd")
        await it.heard(dead, "abcd")
        await it.all_moved()
        assert not it.feed.disconnect()

        await it.say("ef")
        new = await it.connected(FakeEngine())
        await it.heard(new, "abcdef")
        await it.say("g")
        await it.heard(new, "abcdefg")
        await it.all_moved()


async def test_what_is_proven_is_forgotten_but_for_the_last_moments(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a turn."""
    monkeypatch.setattr(turns, "KEPT_BEFORE_PROOF_MS", 0)
    async with booth(store, redis_url) as it:
        engine = await it.connected(FakeEngine())
        await it.say("abcd")
        await it.all_moved()
        engine.proven_id = engine.appended_id

        async def is_short() -> bool:
            return len(await it.kept()) <= FRAME_BYTES * SILENCE_AFTER_SPEECH_FRAMES

        await wait_until(is_short, "what was proven is forgotten")


@pytest.mark.parametrize("is_answered", [True, False])
async def test_only_a_turn_without_an_answer_is_said_again(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch, is_answered: bool
) -> None:
    """A session that is lost right after an answer began leaves nothing to be answered twice, although no
    text of the turn has come."""
    monkeypatch.setattr(turns, "KEPT_BEFORE_STOP_MS", 0)
    async with booth(store, redis_url) as it:
        old = await it.connected(FakeEngine())
        it.feed.speech_started("u")
        await it.say("abcd")
        await it.heard(old, "abcd")
        old.proven_id = old.appended_id
        it.feed.speech_stopped()
        if is_answered:
            it.feed.answered()
        assert it.feed.disconnect() is not is_answered

        new = await it.connected(FakeEngine())
        await it.say("e")
        await it.heard(new, "e" if is_answered else "abcde")


async def test_an_item_is_told_by_its_sound_unless_it_is_said_again(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has a text needs none; of what was said to the next session again it is told under its new id."""
    async with booth(store, redis_url) as it:
        old = await it.connected(FakeEngine())
        it.feed.speech_started("u")
        await it.say("abcd")
        await it.heard(old, "abcd")
        it.feed.speech_stopped()
        assert it.feed.voice_of("u") is None
        it.feed.disconnect()

        new = await it.connected(FakeEngine())
        await it.heard(new, "abcd")
        it.feed.speech_started("v")
        it.feed.speech_stopped()
        it.feed.answered()
        voices = [it.feed.voice_of(item_id) for item_id in ("u", "v", "w")]
        assert [b"a" * FRAME_BYTES in (voice or b"") for voice in voices] == [True, True, False]
        it.feed.settled("v")
        assert it.feed.voice_of("v") == b""


async def test_a_brain_that_lost_the_call_is_told(store: Store, redis_url: str) -> None:
    """By the answer to its next move; it keeps off the audio."""
    async with booth(store, redis_url) as it:
        await steps.claim(
            store, KEYS, it.here.call_sid, role="brain", worker="brain-1@h#1", seen=2**52,
        )  # fmt: skip
        await it.connected(FakeEngine())
        await it.say("a")

        await wait_until(lambda: bool(it.refused), "it is told")
        assert it.refused[0].owner == "brain-1@h#1"
        assert await it.waiting() == 1 + SILENCE_AFTER_SPEECH_FRAMES
