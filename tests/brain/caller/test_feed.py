"""The caller's audio on its way to a model that does not take it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from brain.caller.feed import CallerFeed
from brain.counters import BrainCounters, BrainHops
from brain.model.engine import Engine
from shared.audio import SILENCE_FRAME
from shared.ownership.owner import Owner
from shared.process.life import make_process
from shared.settings import load
from shared.store.client import Store
from tests.brain.stage import INGRESS, KEYS, line
from tests.support.waiting import running, wait_until


class FullEngine:
    """Takes one append, and then none until it is told that it is drained."""

    def __init__(self) -> None:
        self.appends = 0
        self.queued_events = 1
        self.appended_id = b""
        self.drained: Callable[[], None] | None = None

    def append(self, _audio: bytes, _entry_id: bytes) -> bool:
        self.appends += 1
        return False

    def when_drained(self, then: Callable[[], None]) -> None:
        self.drained = then


async def test_audio_that_the_model_does_not_take_stays_in_redis_and_is_known_to_wait(
    store: Store, redis_url: str
) -> None:
    """`is_paused` until the socket is drained: what makes a model that reads nothing `model_slow`."""
    settings = load(env_file=None, redis_url=redis_url, openai_api_key="key")
    process = make_process("brain", 0, settings)
    async with running(process.outbox.run(), process.inboxes[0].run()), line(store, redis_url) as here:
        owner = Owner(process.outbox, KEYS, here.call_sid, "brain", 1, lambda _answer: None, process.name)
        feed = CallerFeed(
            process.store, process.inboxes[0], owner, BrainCounters(), process.log,
            nudge=lambda: process.nudge(0), leg=1, ingress=INGRESS, transcribed=False, hops=BrainHops(),
            host="h",
        )  # fmt: skip
        engine = FullEngine()
        feed.connect(cast(Engine, engine))
        assert not feed.is_paused
        await here.speak(SILENCE_FRAME * 4)
        await wait_until(lambda: feed.is_paused, "the feed waits for the model")
        appends = engine.appends
        assert engine.drained is not None
        engine.drained()
        assert not feed.is_paused
        await wait_until(lambda: engine.appends > appends, "it reads on")
        feed.disconnect()
        assert not feed.is_paused
        feed.stop()
        await here.end()
    await process.store.aclose()
