"""A recording against what the caller heard: both ends of the call are ours, so it is compared to the byte.

The caller interrupts twice, an egress is killed in the middle of a reply, and so is the recorder; once more
when the file has its name.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared import mulaw
from shared.sound.wav import MULAW_HEADER_BYTES
from simulators import clips
from simulators.twilio import (
    CallRecord,
    Do,
    HangUp,
    InterruptAfter,
    Pause,
    Speak,
    WaitForSilence,
    WaitForSpeech,
    WaitUntil,
)
from tests.e2e.conftest import QUICK, Bridge, clip, own_stack, plan
from tests.support.servers import server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("e2e")]

ROOT = Path(__file__).parents[2]
CUT_BYTES = 20 * 8
"""How exactly a cut is known: 20 ms."""

APART_BYTES = 100 * 8
"""How far a stretch may stand from where the caller heard it: the way of a frame, on one busy host."""

SILENCE = b"\xff"

AGENTS = """
[default]
greeting = "Greet the caller."
tools = ["check_order", "end_call"]

[default.recording]
record = true
announcement = { file = "announcement.ulaw", text = "This call is recorded." }
"""


@dataclass(slots=True)
class RecorderProcess:
    """`python -m console.recorder` of a test."""

    redis_url: str
    folder: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        environment = {
            **os.environ, "REDIS_URL": self.redis_url, "TRUNKLINE_RECORDINGS": str(self.folder),
            "PYTHONPATH": str(ROOT), "TRUNKLINE_LOG_FORMAT": "json",
        }  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "console.recorder", cwd=self.folder.parent, env=environment,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            assert await self.process.wait() == 0


@pytest.fixture
async def recorded(tmp_path: Path) -> AsyncIterator[tuple[Bridge, RecorderProcess]]:
    """A stack whose calls are recorded, and its recorder."""
    (tmp_path / "announcement.ulaw").write_bytes(clips.load("en_model_idle"))
    (tmp_path / "agents.toml").write_text(AGENTS, "utf-8")
    with server(valkey_binary(), tmp_path) as url:
        recorder = RecorderProcess(url, tmp_path / "recordings")
        await recorder.start()
        environment = {"TRUNKLINE_AGENTS_FILE": str(tmp_path / "agents.toml")}
        try:
            async with own_stack("recorded", url, environment) as bridge:
                yield bridge, recorder
        finally:
            await recorder.stop()


def tracks(path: Path) -> tuple[bytes, bytes]:
    """What was received, what was heard."""
    sound = path.read_bytes()[MULAW_HEADER_BYTES:]
    return sound[::2], sound[1::2]


def begins(sidecar: dict[str, Any], call: CallRecord) -> int:
    """The first sample of the recording on the caller's own clock, in samples."""
    wall_ahead_ms = time.time() * 1000 - time.monotonic() * 1000
    return round((sidecar["recorded_from_ms"] - wall_ahead_ms - call.zero_ms) * 8)


def differences(call: CallRecord, heard: bytes, offset: int) -> list[str]:
    """Stretches that the caller heard and the recording does not have so, but for cuts and the seam."""
    found = []
    for playback in call.playbacks:
        audio, at = bytes(playback.audio), round(playback.started_at_ms * 8) - offset
        if at < 0:  # Its beginning, or all of it, is the announcement.
            audio, at = audio[-at:], 0
        inner = audio[CUT_BYTES:-CUT_BYTES]
        if not inner:
            continue
        where = f"{playback.started_at_ms:.0f} ms, {len(audio) / 8:.0f} ms long"
        place = heard.find(
            inner[:800], max(0, at + CUT_BYTES - APART_BYTES), at + CUT_BYTES + APART_BYTES + 800
        )
        if place < 0:
            found.append(f"{where}: its beginning is not there")
            continue
        have = heard[place : place + len(inner)]
        wrong = [n for n, (one, other) in enumerate(zip(inner, have, strict=False)) if one != other]
        if wrong or len(have) < len(inner):
            found.append(f"{where}: {len(wrong)} of {len(inner)} samples differ, {len(have)} are there")
        behind = place + len(inner) + 2 * CUT_BYTES
        if heard[behind : behind + CUT_BYTES].strip(SILENCE) and playback.end == "cleared":
            found.append(f"{where}: it goes on behind its cut")
    return found


async def nothing_waits(bridge: Bridge, sid: str) -> bool:
    """Of a call whose recording is finished."""
    store, keys = bridge.store, bridge.keys
    is_settled = not await store.xlen(keys.tapes(keys.lane(sid)))
    return is_settled and not await store.exists(keys.tape(sid))


async def test_a_recording_is_what_the_caller_heard(recorded: tuple[Bridge, RecorderProcess]) -> None:
    """With two interruptions, a killed egress and a killed recorder; equal but for cuts and the seam."""
    bridge, recorder = recorded
    kill, killed = asyncio.Event(), asyncio.Event()
    steps = (
        WaitForSpeech(), WaitForSilence(700), Speak(clip("en_caller_ask")),
        InterruptAfter(1500, clip("en_caller_interrupt")), WaitForSpeech(), Pause(700),
        Speak(clip("en_caller_ask")), WaitForSpeech(), Pause(500), Do(kill.set),
        WaitUntil(killed.is_set, "both are killed"), Pause(2500),
        Speak(clip("en_caller_ask")), InterruptAfter(800, clip("en_caller_interrupt")),
        WaitForSpeech(), Pause(2000), HangUp(),
    )  # fmt: skip
    async with bridge.realtime(), bridge.twilio() as twilio:
        live = twilio.start_call(plan(*steps), QUICK)
        await kill.wait()
        owner = (await bridge.card(live.record.call_sid))["egress"].partition("@")[0]
        bridge.restarted.add(owner)
        await bridge.stack.signal(owner, signal.SIGKILL)
        await recorder.kill()
        await recorder.start()
        killed.set()
        call = await live.finished()
        card = await bridge.until_ended(call.call_sid)
    sid, folder = call.call_sid, recorder.folder
    await wait_until(lambda: (folder / f"{sid}.wav").exists(), "it has its name", timeout_s=20)
    await recorder.kill()  # Wherever it is behind that.
    sidecar = json.loads((folder / f"{sid}.json").read_text("utf-8"))
    await recorder.start()
    await wait_until(functools.partial(nothing_waits, bridge, sid), "it is settled", timeout_s=20)
    left, right = tracks(folder / f"{sid}.wav")
    offset = begins(sidecar, call)
    announcement = mulaw.encode(mulaw.decode(clips.load("en_model_idle")))  # It has one zero only.

    # The announcement is heard first, whole, and is not in the recording.
    assert bytes(call.playbacks[0].audio).startswith(announcement)
    assert announcement[:1600] not in right
    announced_ms = call.playbacks[0].started_at_ms + len(announcement) / 8
    assert offset / 8 > announced_ms - 20
    assert int(card["taped_from_ms"]) - sidecar["recorded_from_ms"] in range(-50, 51)

    assert len(call.clears) >= 2
    assert differences(call, right, offset) == []
    # Left: what the caller sent, to the byte, at its time; but for what no stream carried.
    sent = call.caller_audio[offset : offset + len(left)]
    voice = clips.load("en_caller_interrupt")[800:4000]
    assert sent.count(voice) == left.count(voice) == 2
    at = sent.find(voice)
    assert abs(left.find(voice) - at) <= APART_BYTES

    assert sidecar["sha256"] == hashlib.sha256((folder / f"{sid}.wav").read_bytes()).hexdigest()
    assert [each for each in sidecar["silences"] if each["why"] == "lost"] == []
    assert (folder.stat().st_mode & 0o777, (folder / f"{sid}.wav").stat().st_mode & 0o777) == (0o700, 0o600)
    keys = [key.decode() async for key in bridge.store.scan_iter(match="tl:*:tape*")]
    assert [key for key in keys if key.endswith(":tape")] == []
