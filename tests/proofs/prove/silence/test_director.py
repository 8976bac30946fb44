"""A row played against a small bridge: the caller's part, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

from console.stack.launcher import Stack
from proofs.prove.listening.ear import Kind
from proofs.prove.silence.director import Director
from proofs.prove.silence.faults import At, Healthy, Row, Story
from proofs.prove.silence.limits import NOT_BEGUN
from proofs.prove.silence.stage import Stage
from shared.store.client import make_store
from simulators import clips
from simulators.realtime import RealtimeSimulator
from tests.simulators.twilio.calls import simulator
from tests.simulators.twilio.reference_bridge import (
    BridgeSocket,
    Documents,
    Talk,
    default_documents,
    reference_bridge,
)

KEYS = Row(name="keys", text="", fault=Healthy(), at=At.GREETING, story=Story.KEYS)


async def played(row: Row, folder: Path, talk: Talk, documents: Documents = default_documents):  # type: ignore[no-untyped-def]
    """The row, on a bridge that does as `talk` says."""
    store = make_store("redis://127.0.0.1:1/0", name="test")
    async with (
        RealtimeSimulator() as model,
        reference_bridge(talk, documents) as bridge,
        simulator(bridge) as twilio,
    ):
        return await Director(Stage(Stack(), store, model, twilio, folder), row, 1).play()


async def _answers_keys(socket: BridgeSocket) -> None:
    await socket.until("start")
    socket.play(clips.load("en_model_idle"))
    await socket.until("dtmf", 3)
    socket.play(clips.load("en_model_short"))


async def test_a_caller_who_is_answered_hangs_up(tmp_path: Path) -> None:
    """When all was heard to its end."""
    found = await played(KEYS, tmp_path, _answers_keys)

    assert found.result.broken == []
    assert found.record.end_reason == "caller_hung_up"
    assert [sound.name for sound in found.result.hearing.recording.sounds] == [
        "en_model_idle",
        "en_model_short",
    ]


async def test_an_apology_is_heard_as_one(tmp_path: Path) -> None:
    """It ends the call, and is no answer."""

    def sorry(path: str, form: dict[str, str]) -> str:
        return "<Response><Say>Sorry.</Say><Hangup/></Response>"

    found = await played(KEYS, tmp_path, _answers_keys, sorry)

    assert found.result.hearing.count(Kind.APOLOGY) == 1
    assert found.record.key_presses == []
    assert found.result.broken == ["the apology, and the fault has passed"]


async def test_a_fault_whose_moment_never_came_shows_nothing(tmp_path: Path) -> None:
    """The caller never spoke."""
    row = Row(name="keys", text="", fault=Healthy(), at=At.WAITING, story=Story.KEYS)
    assert (await played(row, tmp_path, _answers_keys)).result.broken == [NOT_BEGUN]
