"""`make captures`: writes into docs/console.md what `trunkline top` and `doctor` really show.

Why it exists: a screen that somebody typed by hand is wrong after the next column. A whole stack is started
with eight live calls on it, the model too slow for one of them and another one's Twilio not reading; the
commands run in a real terminal (tmux), and what stands on its screen is copied. Owns: the parts of that page
between its markers. Must not know: how a screen is drawn.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from console.stack.ports import free_port
from proofs.pages import parts
from proofs.pages.terminal import Terminal, terminal
from simulators import clips
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from simulators.twilio import Clip, TwilioSimulator
from simulators.twilio.caller.plan import CallPlan, conversation
from simulators.twilio.knobs import Knobs as StreamKnobs
from simulators.twilio.knobs import Window

PAGE = parts.DOCS / "console.md"
TRUNKLINE = Path(sys.executable).parent / "trunkline"
WIDTH, HEIGHT = 120, 28
CALLS = 8
SLOW_SESSION, STALLED_CALL = 3, 5
STALLS = tuple(Window(at_ms, 9_000.0) for at_ms in (6_000.0, 20_000.0, 34_000.0, 48_000.0))
LOOK_S, LIMIT_S = 0.2, 60.0


def main() -> int:
    """The command."""
    argparse.ArgumentParser(
        prog="make captures",
        description="Writes what the screens really show into docs/console.md (a minute; needs tmux).",
    ).parse_args()
    if shutil.which("tmux") is None:
        print("captures: expected tmux on the PATH, got none; apt-get install tmux", file=sys.stderr)
        return 1
    captures = asyncio.run(_take())
    page = PAGE.read_text("utf-8")
    for name, text in captures.items():
        page = put(page, name, text)
    PAGE.write_text(page, "utf-8")
    print(f"captures: {', '.join(captures)} in {PAGE.name}")
    return 0


def put(page: str, name: str, text: str) -> str:
    """The page with a capture between its markers. Raises ValueError if the page has none of that name."""
    return parts.put(page, name, f"```\n{_clean(text)}\n```")


def captured(page: str, name: str) -> str:
    """What stands between a capture's markers, without its fence. Raises ValueError if it is not there."""
    found = re.search(rf"<!-- {name}:begin -->\n```\n(.*?)\n```\n<!-- {name}:end -->", page, re.DOTALL)
    if found is None:
        raise ValueError(f"expected a capture {name} in the page, got none; make captures writes it")
    return found[1]


# Private.


def _clean(screen: str) -> str:
    """Without the blanks at the ends of lines, and the empty lines at the end."""
    return "\n".join(line.rstrip() for line in screen.rstrip().splitlines())


async def _take() -> dict[str, str]:
    """name → what the screen showed."""
    port, model_port = free_port(), free_port()
    options = StackOptions(
        name="captures",
        host_name="host-a",
        model_base_url=f"http://127.0.0.1:{model_port}/v1",
        public_url=f"http://127.0.0.1:{port}",
        port=port,
    )
    async with (
        Stack(options) as stack,
        RealtimeSimulator(port=model_port, knobs_for=_model),
        TwilioSimulator(
            voice_url=f"{stack.public_url}/voice", auth_token=stack.auth_token, allow_ws=True
        ) as twilio,
    ):
        for number in range(CALLS):
            twilio.start_call(_plan(number), _stream(number))
        return await _captures(stack, _environment(stack))


async def _captures(stack: Stack, environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    with terminal(f"{TRUNKLINE} top --interval 0.5", environment, WIDTH, HEIGHT) as screen:
        await _until(screen, lambda text: "model_slow" in text and "twilio_slow" in text)
        screen.press("s", "Home")
        found["top"] = await _until(
            screen, lambda text: "sort: verdict" in text and "model_slow" in text and "twilio_slow" in text
        )
        screen.press("Enter")
        found["top-call"] = await _until(
            screen, lambda text: "verdict" in text and "response_created" in text
        )
        screen.press("q", "q")
    doctor = f"{TRUNKLINE} doctor --config {stack.config_file}"
    with terminal(doctor, environment, WIDTH, 50) as screen:
        shown = await _until(screen, lambda text: "left 0" in text)
        found["doctor"] = shown.partition("left 0")[0]
    return found


async def _until(screen: Terminal, is_there: Callable[[str], bool]) -> str:
    """The first screen that fits. Raises RuntimeError with the last one when no screen does."""
    until = time.monotonic() + LIMIT_S
    while not is_there(text := await asyncio.to_thread(screen.screen)):
        if time.monotonic() > until:
            raise RuntimeError(f"expected another screen within {LIMIT_S:.0f} s, got this one last:\n{text}")
        await asyncio.sleep(LOOK_S)
    return text


def _environment(stack: Stack) -> dict[str, str]:
    """What an operator's shell has."""
    return {
        "LC_ALL": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "REDIS_URL": stack.redis_url,
        "PUBLIC_URL": stack.public_url,
        "TWILIO_AUTH_TOKEN": stack.auth_token,
        "OPENAI_API_KEY": "simulated",
        "OPENAI_BASE_URL": stack.model_base_url,
        "TRUNKLINE_ADMIN_PORT_BASE": str(stack.ports.admin_base),
    }


def _model(number: int) -> Knobs:
    if number == SLOW_SESSION:
        return Knobs(seed=number, response=ResponseKnobs(first_audio_ms=5_500.0))
    return Knobs(seed=number)


def _stream(number: int) -> StreamKnobs:
    if number == STALLED_CALL:
        return StreamKnobs(stalls=STALLS, receive_buffer_bytes=4_096)
    return StreamKnobs()


def _plan(number: int) -> CallPlan:
    talk = [Clip(clips.load(name), name) for name in ("en_caller_ask", "en_caller_number")]
    return CallPlan(
        conversation(talk, seed=number),
        from_number=f"+155500011{10 + number}",
        hang_up_after_ms=LIMIT_S * 1000,
        stop_at_failure=False,
    )


if __name__ == "__main__":
    sys.exit(main())
