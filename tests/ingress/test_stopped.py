"""An ingress process that is stopped and goes on, with a caller who speaks all the while."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from console.stack.ports import free_base
from shared.contract.keys import Keys
from simulators.twilio.caller.plan import CallPlan, HangUp, Pause
from simulators.twilio.simulator import TwilioSimulator
from tests.ingress.harness import ACCOUNT, AUTH_TOKEN, PUBLIC_URL
from tests.support.servers import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
ADMIN_SPAN = 64
STOPPED_S = 3.0
MEDIA_TIMEOUT_S = 1


def started(folder: Path, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """A process of its own: what is stopped may not be the test."""
    return subprocess.Popen([sys.executable, "-m", "ingress", "--number", "0"], cwd=folder, env=env)


@pytest.mark.skipif(sys.platform != "linux", reason="the stop is a signal")
async def test_its_callers_are_still_there(tmp_path: Path, valkey_url: str) -> None:
    """Three times the media watchdog's patience: what they said waited in the kernel."""
    port = free_port()
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRUNKLINE_")},
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": valkey_url,
        "PUBLIC_URL": PUBLIC_URL,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TRUNKLINE_HOST": "127.0.0.1",
        "TRUNKLINE_PORT": str(port),
        "TRUNKLINE_ADMIN_PORT_BASE": str(free_base(ADMIN_SPAN)),
        "TRUNKLINE_MEDIA_TIMEOUT_S": str(MEDIA_TIMEOUT_S),
    }
    keys = Keys()
    with (
        started(tmp_path, env) as process,
        redis.Redis.from_url(valkey_url, decode_responses=True) as client,
    ):
        try:
            await wait_until(lambda: client.scard("tl:workers") == 1, "it shows itself", timeout_s=30)
            async with TwilioSimulator(
                voice_url=f"{PUBLIC_URL}/voice",
                auth_token=AUTH_TOKEN,
                account_sid=ACCOUNT,
                dial=f"127.0.0.1:{port}",
            ) as twilio:
                call = twilio.start_call(CallPlan([Pause(60_000), HangUp()]))
                card, caller = keys.card(call.call_sid), keys.caller(call.call_sid)
                await wait_until(lambda: client.xlen(caller) > 25, "the caller is heard")

                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(STOPPED_S)  # The length of the fault.
                heard = client.xlen(caller)
                process.send_signal(signal.SIGCONT)

                frames = round(STOPPED_S * 50)
                await wait_until(lambda: client.xlen(caller) > heard + frames, "all of it is heard")
                assert client.hmget(card, "state", "leg") == ["attached", "1"]
        finally:
            process.kill()
