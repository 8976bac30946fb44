"""A speech model that is nothing like OpenAI's, behind the brain's interface.

It is full-duplex: it hears and speaks at once, and speaks when it likes. It has no responses and no ids of
them, it cannot be stopped, and what it said cannot be truncated. What the interface asks for beyond that, its
engine makes up: a turn is what it says between two silences.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from brain.errors import EngineError
from brain.incoming import opening
from brain.model.engine import Listener, Opened, Opening, SeedItem, ToModel
from brain.sequencer import actions, inputs


class ToyEngine:
    """See brain.model.engine.Engine. Made as a RealtimeEngine is, to stand in its place."""

    made: ClassVar[list[ToyEngine]] = []

    def __init__(
        self, _client: object, _agent: object, opening: Opening, _counters: object, *, headroom: object = None
    ) -> None:
        self.tag = opening.tag
        self.context: tuple[SeedItem, ...] = ()
        self.heard_bytes = 0
        self.asked: list[ToModel] = []
        self.appended_id = b""
        self.queued_events = 0
        self.turns = 0
        self._listener: Listener | None = None
        self._turn_id = ""
        self._hint = ""
        """The token of a create that was not followed yet."""
        self._over = asyncio.Event()
        self.made.append(self)

    async def open(self) -> Opened:
        return Opened(session_id=self.tag, life_ms=0.0)

    async def seed(self, items: tuple[SeedItem, ...]) -> None:
        self.context = items

    async def run(self, listener: Listener) -> EngineError:
        self._listener = listener
        await self._over.wait()
        return EngineError("closed")

    def do(self, action: ToModel) -> None:
        self.asked.append(action)
        match action:
            case actions.SendCreate(token=token):
                self._hint = token
            case actions.SendCancel(response_id=response_id) if response_id == self._turn_id:
                # It cannot be stopped; but what it says from now on is another turn.
                asyncio.get_running_loop().call_soon(self.end_turn, "cancelled")
            case _:
                pass

    async def become(self, agent: object, tools: object) -> bool:
        return True  # It has no words of an agent: it is whoever it is.

    def rewrite(self, item_id: str, said: str) -> None: ...

    def append(self, audio: bytes, entry_id: bytes) -> bool:
        self.heard_bytes += len(audio)
        self.appended_id = entry_id or self.appended_id
        return True

    def when_drained(self, then: object) -> None: ...

    @property
    def proven_id(self) -> bytes:
        return self.appended_id

    async def close(self) -> None:
        self._over.set()

    # What the model does of its own accord.

    @property
    def is_listened_to(self) -> bool:
        return self._listener is not None

    def speak(self, audio: bytes, item_id: str = "") -> None:
        """It speaks, perhaps after a silence."""
        assert self._listener is not None
        if not self._turn_id:
            self.turns += 1
            self._turn_id, token, self._hint = f"{self.tag}-turn{self.turns}", self._hint, ""
            self._listener.on_input(inputs.ResponseCreated(response_id=self._turn_id, token=token))
        self.babble(audio, item_id)

    def babble(self, audio: bytes, item_id: str = "", response_id: str = "") -> None:
        """Audio, and not a word before it."""
        assert self._listener is not None
        self._listener.on_audio(response_id, item_id, audio)

    def end_turn(self, status: str = "completed") -> None:
        """It is silent, or what it says from now on is something else."""
        assert self._listener is not None
        turn_id, self._turn_id = self._turn_id, ""
        if turn_id:
            self._listener.on_input(inputs.ResponseDone(response_id=turn_id, status=status))

    def hear(self, *, speaks: bool) -> None:
        """It notices that the caller speaks, or stops."""
        assert self._listener is not None
        kind = inputs.SpeechStarted if speaks else inputs.SpeechStopped
        self._listener.on_input(kind(item_id=f"{self.tag}-heard{self.turns}"))


def use_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sessions of calls are toys from now on, to be found in `ToyEngine.made`."""
    monkeypatch.setattr(opening, "RealtimeEngine", ToyEngine)
    monkeypatch.setattr(ToyEngine, "made", [])
