"""What is at rest: a caller's words and the model's, looked for in the files of a Redis that keeps some.

The canaries are bytes of what was said, as the line carries them, and words of its text. Nothing is
compressed here, so that what is there is found.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from proofs.prove.chaos.shapes.node import Node, until
from shared.contract.keys import Keys
from simulators import clips
from simulators.twilio import HangUp, Pause, Speak, WaitForSilence, WaitForSpeech
from tests.e2e.conftest import QUICK, Bridge, clip, own_stack, plan
from tests.support.shapes import standalone
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

ONE_EACH = {"ingress": 1, "brain": 1, "egress": 1}
KEEPS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    # Rewritten when the test asks, and readable.
    "auto-aof-rewrite-percentage": "0",
    "rdbcompression": "no",
}
NOTHING = {"appendonly": "no", "save": "", "shutdown-on-sigterm": "nosave"}

CALLER, MODEL = "en_caller_ask", "en_model_greeting"
TEXT = b"Trunkline flower shop"
WITHIN_S = 20.0
SPOKEN_MS = 1_500.0

CANARY_BYTES = 60
"""Less than half a frame: wherever the frames are cut, some of these are whole."""


def sounds(name: str) -> list[bytes]:
    """Pieces of half a second in the middle of a clip's first second, none of them silence."""
    audio = clips.load(name)[4_000:8_000]
    found = [audio[at : at + CANARY_BYTES] for at in range(0, len(audio), CANARY_BYTES // 3)]
    return [piece for piece in found if len(set(piece)) > CANARY_BYTES // 3]


def holds(files: list[Path], canaries: list[bytes]) -> bool:
    """Whether one of them stands in one of the files."""
    data = b"".join(path.read_bytes() for path in files)
    return any(canary in data for canary in canaries)


def files_in(folder: Path) -> list[Path]:
    """All files, however deep."""
    return [path for path in folder.rglob("*") if path.is_file()]


def log_of(node: Node) -> list[Path]:
    """Its append-only file, in parts."""
    return [path for path in (node.folder / "appendonlydir").iterdir() if path.is_file()]


def rewrite(node: Node) -> None:
    """Asks for the file to be written anew, and waits until it is."""
    before = node.info("persistence")["aof_rewrites"]
    node.ask("BGREWRITEAOF")

    def is_done() -> bool:
        said = node.info("persistence")
        return said["aof_rewrite_in_progress"] == "0" and said["aof_rewrites"] != before

    until(is_done, "a file that is written anew", WITHIN_S)


async def test_what_a_redis_that_keeps_all_has_on_its_disk(tmp_path: Path) -> None:
    """Each word, until the file is written anew; then the text, as long as the call is kept; then nothing. A
    snapshot keeps what was being said when it was taken."""
    with standalone(tmp_path, settings=KEEPS) as shape:
        node, snapshot = shape.node, tmp_path / "dump.rdb"
        async with own_stack("at-rest", shape.url, workers=ONE_EACH) as bridge:
            call_sid = await _talk(bridge, node)
            assert holds([snapshot], sounds(CALLER)), "what was being said stands in a snapshot"
            assert await bridge.store.xlen(Keys(1).caller(call_sid)) == 0
            for name in (CALLER, MODEL):
                assert holds(log_of(node), sounds(name)), "what was trimmed stands in the file"
            assert holds(log_of(node), [TEXT])

            await asyncio.to_thread(rewrite, node)
            for name in (CALLER, MODEL):
                assert not holds(log_of(node), sounds(name)), f"{name} is gone with the end of the call"
            assert holds(log_of(node), [TEXT]), "the text is kept as long as the call is"
            assert holds([snapshot], sounds(CALLER)), "an older snapshot keeps it"

            keys = [key async for key in bridge.store.scan_iter(match=f"{Keys(1).card(call_sid)}*")]
            for key in keys:
                await bridge.store.pexpire(key, 1)  # TRUNKLINE_ENDED_KEEP_S has passed.

            async def is_forgotten() -> bool:
                return await bridge.store.exists(*keys) == 0

            # Whoever asks makes the server drop what has expired; until then it still writes it down.
            await wait_until(is_forgotten, "the call is forgotten")
            await asyncio.to_thread(rewrite, node)
            await asyncio.to_thread(node.snapshot)
            for canary in (sounds(CALLER), sounds(MODEL), [TEXT]):
                assert not holds([*log_of(node), snapshot], canary), "nothing is left"


async def test_what_a_redis_that_keeps_nothing_has_on_its_disk(tmp_path: Path) -> None:
    """No file but its log, in which nothing is said."""
    with standalone(tmp_path, settings=NOTHING) as shape:
        async with own_stack("not-at-rest", shape.url, workers=ONE_EACH) as bridge:
            await _talk(bridge, None)
    files = files_in(tmp_path)
    assert [path.name for path in files] == ["output.log"]
    assert not holds(files, [*sounds(CALLER), *sounds(MODEL), TEXT])


async def _talk(bridge: Bridge, node: Node | None) -> str:
    """A greeting and a question; `node` writes a snapshot in the middle of that. The call that has ended."""
    steps = (WaitForSpeech(), WaitForSilence(300), Speak(clip(CALLER)), WaitForSpeech(), Pause(500), HangUp())
    async with bridge.realtime(), bridge.twilio() as twilio:
        live = twilio.start_call(plan(*steps), QUICK)

        def speaks() -> bool:
            words = live.record.utterances
            return bool(words) and live.now_ms() > words[0].started_at_ms + SPOKEN_MS

        await wait_until(speaks, "the caller is in the middle of it", timeout_s=WITHIN_S)
        if node is not None:
            await asyncio.to_thread(node.snapshot)
        call = await live.finished()
        await bridge.until_ended(call.call_sid)
    return call.call_sid
