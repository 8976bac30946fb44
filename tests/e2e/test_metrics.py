"""What /metrics of six processes says after one call with an interruption."""

from __future__ import annotations

import asyncio
import urllib.request
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.stack.launcher import Stack
from shared.contract.worker import ROLES
from simulators.twilio import HangUp, InterruptAfter, Pause, Speak, WaitForSilence, WaitForSpeech
from tests.e2e.conftest import QUICK, Bridge, clip, plan
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(90)

SLOWEST_HOP_MS = 1000.0
"""A hop takes some ms; a stamp of another clock would be hours off."""

IMPORTED_OBJECTS = 30_000
"""What each role holds for good, at least: its modules and their classes."""

HOPS = (
    "hop_ingress_to_brain_ms",
    "hop_model_to_egress_ms",
    "hop_model_to_frame_ms",
    "hop_egress_to_socket_ms",
    "hop_flush_to_clear_ms",
)
OBSERVED = (
    *HOPS,
    "hop_socket_write_ms",
    "egress_tick_late_ms",
    "outbox_commit_ms",
    "loop_late_ms",
    "sockets_unsent_bytes",
    "response_created_ms",
    "response_create_to_audio_ms",
    "response_turn_to_audio_ms",
    "response_barge_in_ms",
    "window_tx_queue_ms",
    "window_caller_queue_frames",
)


def scrape(stack: Stack) -> Counter[str]:
    """Samples of ours by name (and labels, where they are words), summed over the processes."""
    found: Counter[str] = Counter()
    for role in ROLES:
        for number in range(2):
            url = f"http://127.0.0.1:{stack.admin_port(role, number)}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
            for family in text_string_to_metric_families(text):
                for sample in family.samples:
                    words = [value for label, value in sorted(sample.labels.items()) if label != "lane"]
                    name = sample.name.removeprefix("trunkline_")
                    found[" ".join([name, *words])] += sample.value  # type: ignore[assignment]
    return found


async def test_a_call_is_seen_in_every_metric_of_its_way(bridge: Bridge) -> None:
    """Each hop, response and interruption is observed, on the clock of this host."""
    before = await asyncio.to_thread(scrape, bridge.stack)
    assert (before["ready"], before["outbox_connected"], before["draining"]) == (6, 6, 0)
    assert before["garbage_kept_objects_total"] > 6 * IMPORTED_OBJECTS
    steps = (WaitForSpeech(), WaitForSilence(300), Speak(clip("en_caller_ask")))
    after = (InterruptAfter(1500, clip("en_caller_interrupt")), WaitForSpeech(), Pause(1500), HangUp())
    async with bridge.realtime(), bridge.twilio() as twilio:
        call = await twilio.call(plan(*steps, *after), QUICK)
        await bridge.until_ended(call.call_sid)

    await wait_until(lambda: scrape(bridge.stack)["live_calls"] == 0, "all three roles have let go of it")
    found = await asyncio.to_thread(scrape, bridge.stack)
    found.subtract(before)

    assert [name for name in OBSERVED if found[f"{name}_count"] <= 0] == []
    means = {name: found[f"{name}_sum"] / found[f"{name}_count"] for name in HOPS}
    assert {name: mean for name, mean in means.items() if not 0 < mean < SLOWEST_HOP_MS} == {}
    assert found["webhooks_connects_total"] == 1
    assert found["calls_attached_total"] == 1
    assert found["ownership_claims_total"] == 2
    assert found["sequencer_flushes_total speech"] >= 1
    assert found["sequencer_wishes_total spoken"] >= 1
    assert found["sockets_bytes_written_total"] > found["sockets_frames_written_total"] * 160
    assert sum(found[f"window_verdicts_total {word}"] for word in ("ok", "model_slow")) > 0
