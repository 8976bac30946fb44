"""`make shots`: pictures of the web console for docs/console.md and the README, from a stack with calls.

Why it exists: a picture that somebody took by hand shows the page of another day. Owns: which pages are
shown, at which size, in which colours, and what happens on them. Must not know: what is on a page. Needs
Debian's Chromium; playwright is one of the developers' dependencies.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from playwright.async_api import async_playwright

from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from console.stack.ports import free_port
from proofs.pages import parts
from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from simulators.twilio import Clip, TwilioSimulator
from simulators.twilio.caller.plan import CallPlan, conversation

CALLS, SLOW_SESSION = 6, 3
TALK_S, LIMIT_S = 32.0, 60.0
FLAGS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars")


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: docs/<name>.png."""

    name: str
    path: str
    """`{call}`: the SID of a call that has talked and was interrupted."""
    width_px: int
    height_px: int
    scheme: str
    shows: str
    """What is on the page when it is looked at."""


SHOTS = (
    Shot("console-live", "/", 1440, 560, "light", "tr[data-id] .words .by"),
    Shot("console-call", "/calls/{call}?span=whole", 1440, 1_000, "dark", "svg.story .cut"),
    Shot("console-call-narrow", "/calls/{call}", 360, 900, "light", "svg.story"),
    Shot("console-phone", "/phone", 360, 900, "dark", "[data-phone]"),
)


def main() -> int:
    """The command."""
    argparse.ArgumentParser(
        prog="make shots", description="Pictures of the web console, anew (a minute; needs Chromium)."
    ).parse_args()
    browser = shutil.which("chromium")
    if browser is None:
        print("shots: expected chromium on the PATH, got none; apt-get install chromium", file=sys.stderr)
        return 1
    asyncio.run(_take(browser))
    print(f"shots: {', '.join(f'docs/{shot.name}.png' for shot in SHOTS)}")
    return 0


# Private.


async def _take(browser_path: str) -> None:
    port, model_port = free_port(), free_port()
    options = StackOptions(
        name="shots",
        model_base_url=f"http://127.0.0.1:{model_port}/v1",
        public_url=f"http://127.0.0.1:{port}",
        port=port,
        web=True,
        environment={"TRUNKLINE_WEB_SHOWS": "text", "TRUNKLINE_WEB_BREAKS": "true"},
    )
    async with (
        Stack(options) as stack,
        RealtimeSimulator(port=model_port, knobs_for=_model),
        TwilioSimulator(
            voice_url=f"{stack.public_url}/voice", auth_token=stack.auth_token, allow_ws=True
        ) as twilio,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        calls = [twilio.start_call(_plan(number)) for number in range(CALLS)]
        await asyncio.sleep(TALK_S)  # So that there is something to see: nothing waits for a moment of it.
        for shot in SHOTS:
            await _one(browser, f"http://127.0.0.1:{stack.ports.web}", shot, calls[0].call_sid)
        await browser.close()


async def _one(browser: Any, url: str, shot: Shot, call_sid: str) -> None:
    context = await browser.new_context(
        viewport={"width": shot.width_px, "height": shot.height_px}, color_scheme=shot.scheme
    )
    page = await context.new_page()
    address = url + shot.path.format(call=call_sid)
    await _until(lambda: _shows(page, address, shot.shows), f"{address} shows {shot.shows}")
    await page.screenshot(path=parts.DOCS / f"{shot.name}.png")
    await context.close()


async def _shows(page: Any, address: str, what: str) -> bool:
    answer = await page.goto(address, wait_until="load")
    return bool(answer.ok and await page.locator(what).count())


async def _until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Raises RuntimeError where it does not come to hold."""
    until = time.monotonic() + LIMIT_S
    while not await holds():
        if time.monotonic() > until:
            raise RuntimeError(f"waited {LIMIT_S:.0f} s in vain until {what}")
        await asyncio.sleep(1.0)


def _model(number: int) -> Knobs:
    if number == SLOW_SESSION:
        return Knobs(seed=number, response=ResponseKnobs(first_audio_ms=5_500.0))
    return Knobs(seed=number)


def _plan(number: int) -> CallPlan:
    talk = [Clip(clips.load(name), name) for name in ("en_caller_ask", "en_caller_number")]
    return CallPlan(
        conversation(talk, seed=number, barge_in_share=0.5),
        from_number=f"+155500011{10 + number}",
        hang_up_after_ms=(TALK_S + LIMIT_S) * 1000,
        stop_at_failure=False,
    )


if __name__ == "__main__":
    sys.exit(main())
