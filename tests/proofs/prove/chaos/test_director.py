"""A row played against a small bridge: the calls, the moment, the record."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random
from typing import cast

import pytest

from console.stack.launcher import Stack
from proofs.prove.chaos import director
from proofs.prove.chaos.director import Director
from proofs.prove.chaos.evidence.coding import MODEL, Voice
from proofs.prove.chaos.evidence.finding import Bounds
from proofs.prove.chaos.evidence.shapes import Evidence
from proofs.prove.chaos.faults import Fault, HostLost, Killed, Line, Nothing, Role, Row, Step
from proofs.prove.chaos.setting.counting_tool import CountingTool
from proofs.prove.chaos.setting.relay import Relay
from proofs.prove.chaos.setting.stage import Cast, Stage
from shared.store.client import make_store
from simulators.realtime import RealtimeSimulator
from simulators.twilio import Knobs
from tests.simulators.twilio.calls import simulator
from tests.simulators.twilio.reference_bridge import BridgeSocket, reference_bridge

GREETING = Voice(speaker=MODEL, call=1, session=1, response=1).audio(24_000)


class Hit:
    """A step that was armed, and was met by the process 77."""

    pid = 77

    def clear(self) -> None:
        return


class Whole:
    """Stands for a stack that nothing can hurt."""

    public_url = "https://demo.trunkline.test"

    async def until_ready(self, _timeout_s: float) -> None:
        return

    async def pids(self) -> dict[str, int]:
        return {"brain-1": 77}


async def _greets(socket: BridgeSocket) -> None:
    await socket.until("start")
    socket.play(GREETING)


async def played(
    fault: Fault, folder: Path, monkeypatch: pytest.MonkeyPatch, step: Step = Step.GREETING
) -> Evidence:
    """One call of which nobody is known to have it."""

    async def owner(_self: Director, _player: object, _role: Role) -> str:
        return ""

    monkeypatch.setattr(Director, "_owner", owner)
    monkeypatch.setattr(director, "LONGEST_MS", 5_000.0)
    store = make_store("redis://127.0.0.1:1/0", name="test")
    row = Row(name="row", text="", fault=fault, step=step, bounds=Bounds(silence_ms=0), calls=1)
    async with (
        CountingTool() as tool,
        RealtimeSimulator() as model,
        reference_bridge(_greets) as bridge,
        simulator(bridge) as twilio,
    ):
        cast_ = Cast(folder, Random(1))
        stage = Stage(cast(Stack, Whole()), store, model, twilio, tool, cast_, folder, Relay(1, 0.0))
        return await Director(stage, row, 1).play()


async def test_a_row_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was heard, by frame; nobody was hit."""
    evidence = await played(Nothing(), tmp_path, monkeypatch)

    (call,) = evidence.calls
    assert evidence.problem == ""
    assert evidence.back_ms is not None
    assert (call.is_hit, call.is_finished, call.ended) == (False, False, "caller_hung_up")
    assert [frame.frame for frame in call.heard] == list(range(150))


async def test_a_fault_that_cannot_be_brought_about_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row shows nothing then, and says why."""
    evidence = await played(Killed("brain"), tmp_path, monkeypatch)

    assert evidence.problem == "expected a brain that has the call, got none"
    assert evidence.faults_ms == []


async def test_a_process_that_is_hit_at_an_exact_step_is_hit_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step is armed before the call begins; the call was hit, whoever has it now."""
    armed: list[tuple[str, str, int]] = []

    def arm(_folder: Path, role: str, point: str, number: int) -> Hit:
        armed.append((role, point, number))
        return Hit()

    monkeypatch.setattr(director.failpoint, "arm", arm)
    evidence = await played(Killed("ingress"), tmp_path, monkeypatch, Step.CLAIM)

    assert armed == [("ingress", "attach", signal.SIGKILL)]
    assert len(evidence.faults_ms) == 1
    assert evidence.problem == ""
    assert evidence.calls[0].is_hit


async def test_a_fault_of_one_call_is_there_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is that call's alone, and stands in its line."""
    evidence = await played(Line(Knobs(second_start=True)), tmp_path, monkeypatch)

    (call,) = evidence.calls
    assert evidence.problem == ""
    assert call.is_hit
    assert call.answered_ms is not None
    assert evidence.faults_ms[0] <= call.answered_ms


async def test_a_host_that_has_no_call_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says so."""
    evidence = await played(HostLost("brain", 1.0), tmp_path, monkeypatch)

    assert evidence.problem == "expected a call on the second host, got none"
