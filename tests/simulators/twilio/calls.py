"""Shorthand of the simulator's tests: clips, plans, a call to a reference bridge."""

from __future__ import annotations

from typing import Any

from simulators.twilio import FAST, CallPlan, CallRecord, Clip, Knobs, Step, TwilioSimulator
from tests.simulators.twilio.reference_bridge import (
    AUTH_TOKEN,
    SECOND,
    VOICE_URL,
    BridgeSocket,
    Documents,
    ReferenceBridge,
    Talk,
    default_documents,
    reference_bridge,
)

VOICE = Clip(bytes([0x10, 0x90]) * 2400, "voice")  # 600 ms


def simulator(bridge: ReferenceBridge, **options: Any) -> TwilioSimulator:
    """A simulator that dials the reference bridge."""
    return TwilioSimulator(voice_url=VOICE_URL, auth_token=AUTH_TOKEN, dial=bridge.address, **options)


async def greet(socket: BridgeSocket) -> None:
    """Says half a second, then a mark."""
    await socket.until("start")
    socket.play(SECOND[:4000])
    socket.mark("m1")


async def call(
    *steps: Step,
    talk: Talk = greet,
    documents: Documents = default_documents,
    knobs: dict[str, Any] | None = None,
    plan: dict[str, Any] | None = None,
    bridge: dict[str, Any] | None = None,
) -> tuple[CallRecord, ReferenceBridge]:
    """One fast call through a bridge of its own: the record, and the bridge with what it saw."""
    async with (
        reference_bridge(talk, documents, **(bridge or {})) as running,
        simulator(running) as twilio,
    ):
        chosen = Knobs(**{"pace": FAST, **(knobs or {})})
        record = await twilio.call(CallPlan(steps, **(plan or {})), chosen)
        await running.idle()
    return record, running
