"""`trunkline top` in a real terminal (tmux), over a real stack with a live call."""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulators.twilio import LiveCall, Speak, WaitForEnd, WaitForSilence, WaitForSpeech
from tests.e2e.conftest import QUICK, Bridge, clip, plan
from tests.support.servers import missing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

TRUNKLINE = Path(sys.executable).parent / "trunkline"


@dataclass(slots=True)
class Terminal:
    """A terminal of its own: what is on it, and a keyboard."""

    name: str

    def tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-L", self.name, "-f", os.devnull, *words],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        assert done.returncode == 0, f"tmux {words[0]}: {done.stderr}"
        return done.stdout

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "0")

    def press(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "0", *keys)

    def resize(self, width: int, height: int) -> None:
        self.tmux("resize-window", "-t", "0", "-x", str(width), "-y", str(height))

    async def until(self, *texts: str, gone: str = "\0") -> str:
        """Waits until all of `texts`, and not `gone`, are on the screen; gives it."""
        found = ""

        async def there() -> bool:
            nonlocal found
            found = await asyncio.to_thread(self.screen)
            return all(text in found for text in texts) and gone not in found

        await wait_until(there, f"the screen shows {texts}", timeout_s=20, say=lambda: f"\n{found}")
        return found


@contextmanager
def terminal(
    command: str, environment: dict[str, str], width: int = 80, height: int = 24
) -> Iterator[Terminal]:
    """Runs a command in a tmux of its own; its shell says `left N` when it ends."""
    if shutil.which("tmux") is None:
        missing("tmux")
    made = Terminal(f"trunkline-{secrets.token_hex(4)}")
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    line = f"env {settings} {command}; echo left $?; sleep 60"
    made.tmux("new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", line)
    try:
        yield made
    finally:
        made.tmux("kill-server")


@asynccontextmanager
async def live_call(bridge: Bridge) -> AsyncIterator[LiveCall]:
    """A caller who has heard the greeting, has asked, and then says nothing for long."""
    async with bridge.realtime(), bridge.twilio() as twilio:
        steps = (WaitForSpeech(), WaitForSilence(300), Speak(clip("en_caller_ask")), WaitForSpeech())
        call = twilio.start_call(plan(*steps, WaitForEnd()), QUICK)
        await wait_until(lambda: bool(call.record.playbacks), "the greeting plays", timeout_s=20)
        yield call


async def test_an_operator_looks_opens_and_hangs_up(bridge: Bridge) -> None:
    """Every key of the way from the first screen to the end of the call."""
    environment = {"REDIS_URL": bridge.stack.redis_url, "LC_ALL": "C.UTF-8"}
    async with live_call(bridge) as call:
        short = f"…{call.call_sid[-6:]}"
        with terminal(f"{TRUNKLINE} top --interval 0.2", environment) as screen:
            # 80 × 24 shows the call with all its columns, and all six workers.
            shown = await screen.until("1 call ", f"▸{short}", "6 of 6 workers alive", " 50 ok")
            assert len(shown.splitlines()) == 24
            assert all(
                f"{role}-{number}@" in shown for role in ("brain", "egress", "ingress") for number in (0, 1)
            )
            # Sorting and filtering say what they do.
            screen.press("s")
            await screen.until("sort: verdict")
            screen.press("/", "n", "o", "n", "e")
            await screen.until("filter: none", "no call fits the filter")
            screen.press("Escape")
            await screen.until(f"▸{short}", gone="filter:")
            # The call: its card, its figures, its journal as it happens.
            screen.press("Enter")
            shown = await screen.until(call.call_sid, "frames/s sent", "verdict ok", "response_done")
            screen.press(*["PPage"] * 9)
            await screen.until("attached", "session_ready", "newer below")
            screen.press("End")
            await screen.until("response_done", gone="newer below")
            # A larger terminal shows more, a smaller one is not garbled.
            screen.resize(140, 40)
            shown = await screen.until(call.call_sid, "attached", "claimed", "session_ready")
            assert len(shown.splitlines()) == 40
            screen.press("q")
            await screen.until("agent", "default", short)
            screen.resize(80, 24)
            await screen.until(f"▸{short}", gone="default")
            # Hanging up asks, and no means no.
            screen.press("h")
            await screen.until(f"Hang up {call.call_sid}? y or n")
            screen.press("n")
            await screen.until("left as it was")
            assert (await bridge.card(call.call_sid))["state"] != "ended"
            screen.press("h", "y")
            await screen.until("no live call", "0 calls")
            await bridge.until_ended(call.call_sid)
            # Back to the shell, as it was.
            screen.press("?")
            await screen.until("hang up the selected call (asks)")
            screen.press("q", "q")
            await screen.until("left 0", gone="workers alive")
        await call.finished()
