"""`trunkline top` in a real terminal (tmux), over a real stack with a live call."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from proofs.pages.terminal import Terminal, terminal
from simulators.twilio import LiveCall, Speak, WaitForEnd, WaitForSilence, WaitForSpeech
from tests.e2e.conftest import QUICK, Bridge, clip, plan
from tests.support.servers import missing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

TRUNKLINE = Path(sys.executable).parent / "trunkline"


@contextmanager
def screen_of(command: str, environment: dict[str, str]) -> Iterator[Terminal]:
    """80 × 24, as everywhere to begin with."""
    if shutil.which("tmux") is None:
        missing("tmux")
    with terminal(command, environment) as made:
        yield made


async def until(screen: Terminal, *texts: str, gone: str = "\0") -> None:
    """Waits until all of `texts`, and not `gone`, are on the screen."""
    found = ""

    async def there() -> bool:
        nonlocal found
        found = await asyncio.to_thread(screen.screen)
        return all(text in found for text in texts) and gone not in found

    await wait_until(there, f"the screen shows {texts}", timeout_s=20, say=lambda: f"\n{found}")


async def until_filled(screen: Terminal, width: int, height: int, last: str) -> None:
    """Waits until the picture has this size: its first line and its last are where they belong."""
    lines: list[str] = []

    async def there() -> bool:
        nonlocal lines
        lines = (await asyncio.to_thread(screen.screen)).splitlines()
        first = lines[0]
        return bool(
            len(lines) == height
            and re.match(r"(trunkline )?top  ", first)
            and re.search(r" \d\d:\d\d:\d\d( UTC)?$", first)
            and len(first) == width
            and last in lines[-1]
        )

    await wait_until(
        there, f"a picture of {width} × {height}", timeout_s=20, say=lambda: "\n" + "\n".join(lines)
    )


@asynccontextmanager
async def live_call(bridge: Bridge) -> AsyncIterator[LiveCall]:
    """A caller who has heard the greeting, has asked, and then says nothing for long."""
    async with bridge.realtime(), bridge.twilio() as twilio:
        steps = (WaitForSpeech(), WaitForSilence(300), Speak(clip("en_caller_ask")), WaitForSpeech())
        # The operator may be quicker than the conversation.
        call = twilio.start_call(plan(*steps, WaitForEnd(), stop_at_failure=False), QUICK)
        await wait_until(lambda: bool(call.record.playbacks), "the greeting plays", timeout_s=20)
        yield call


LIST_KEYS, CALL_KEYS = "Enter open", "Esc back"
"""In the last line of the list, and of an open call."""

# A shell that exports the size it began with: not what the terminal has now.
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "COLUMNS": "80", "LINES": "24"}


async def test_an_operator_looks_opens_and_hangs_up(bridge: Bridge) -> None:
    """Every key of the way from the first screen to the end of the call."""
    environment = {**ENVIRONMENT, "REDIS_URL": bridge.stack.redis_url}
    async with live_call(bridge) as call:
        short = f"…{call.call_sid[-6:]}"
        with screen_of(f"{TRUNKLINE} top --interval 0.2", environment) as screen:
            # 80 × 24 shows the call with all its columns, and all six workers. The picture is drawn line by
            # line: what is asked of it is asked of one look.
            workers = [f"{role}-{number}@" for role in ("brain", "egress", "ingress") for number in (0, 1)]
            await until(screen, "1 call ", f"▸{short}", "6 of 6 workers alive", "frames/s", "reply", *workers)
            await until_filled(screen, 80, 24, LIST_KEYS)
            # Sorting and filtering say what they do.
            screen.press("s")
            await until(screen, "sort: verdict")
            screen.press("/", "n", "o", "n", "e")
            await until(screen, "filter: none", "no call fits the filter")
            screen.press("Escape")
            await until(screen, f"▸{short}", gone="filter:")
            # The workers' pane.
            screen.press("Tab")
            screen.press("h")
            await until(screen, "Tab goes to the calls")
            screen.press("Tab")
            # The call: its card, its figures, its journal as it happens, and back to its beginning.
            screen.press("Enter")
            await until(screen, call.call_sid, "frames/s sent", "verdict", "journal (UTC)")
            # By then it is longer than the screen.
            await until(screen, "response_done")
            screen.press("Home")
            await until(screen, "attached", "newer below")
            screen.press("End")
            await until(screen, call.call_sid, gone="newer below")
            # A terminal that grows is filled to its last line, one that shrinks is not garbled.
            screen.resize(140, 40)
            await until_filled(screen, 140, 40, CALL_KEYS)
            screen.press("q")
            await until(screen, "agent", "default", short)
            screen.resize(80, 24)
            await until_filled(screen, 80, 24, LIST_KEYS)
            await until(screen, f"▸{short}", gone="default")
            # Hanging up asks, and no means no.
            screen.press("h")
            await until(screen, f"Hang up {call.call_sid}? y or n")
            screen.press("n")
            await until(screen, "left as it was")
            assert (await bridge.card(call.call_sid))["state"] != "ended"
            screen.press("h", "y")
            await until(screen, "no live call", "0 calls")
            await bridge.until_ended(call.call_sid)
            # Back to the shell, as it was.
            screen.press("?")
            await until(screen, "hang up the selected call (asks)")
            screen.press("q", "q")
            await until(screen, "left 0", gone="workers alive")
        assert (await call.finished()).end_reason == "bridge_hung_up"


async def test_a_new_size_is_drawn_at_once(bridge: Bridge) -> None:
    """Not with the next look at Redis, which here is a minute away; nor by COLUMNS and LINES of the shell."""
    environment = {**ENVIRONMENT, "REDIS_URL": bridge.stack.redis_url}
    with screen_of(f"{TRUNKLINE} top --interval 60", environment) as screen:
        await until_filled(screen, 80, 24, LIST_KEYS)
        for width, height in ((140, 40), (100, 30), (80, 24)):
            screen.resize(width, height)
            await until_filled(screen, width, height, LIST_KEYS)
        screen.press("q")
        await until(screen, "left 0")
