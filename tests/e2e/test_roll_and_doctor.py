"""`trunkline roll` and `trunkline doctor` as an operator runs them, on a stack of their own with calls."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from console.operate.roll import ORDER
from console.stack.launcher import Stack
from shared.exit_codes import Exit
from simulators.twilio import (
    CallPlan,
    CallRecord,
    HangUp,
    Pause,
    TwilioSimulator,
    WaitForSilence,
    WaitForSpeech,
)
from tests.e2e.conftest import QUICK, Bridge, own_stack
from tests.support.servers import free_port, server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)

TRUNKLINE = Path(sys.executable).parent / "trunkline"


@pytest.fixture
async def bridge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bridge]:
    """Two of each role, at a public URL that leads here."""
    port = free_port()
    public_url = f"http://127.0.0.1:{port}"
    with server(valkey_binary(), tmp_path_factory.mktemp("roll")) as url:
        async with own_stack("roll", url, public_url=public_url, port=port, drain_s=30) as bridge:
            yield bridge


def environment(stack: Stack) -> dict[str, str]:
    """What an operator's shell has: the settings of this deployment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "REDIS_URL": stack.redis_url,
        "PUBLIC_URL": stack.public_url,
        "TWILIO_AUTH_TOKEN": stack.auth_token,
        "OPENAI_API_KEY": "simulated",
        "OPENAI_BASE_URL": stack.model_base_url,
        "TRUNKLINE_ADMIN_PORT_BASE": str(stack.ports.admin_base),
    }


async def trunkline(stack: Stack, *words: str, changes: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Exit code and standard output."""
    process = await asyncio.create_subprocess_exec(
        str(TRUNKLINE), *words, "--config", str(stack.config_file),
        env={**environment(stack), **(changes or {})}, cwd=stack.run_dir,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def doctor(stack: Stack, *words: str, **changes: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and findings by what they are about."""
    code, output = await trunkline(stack, "doctor", "--json", *words, changes=changes)
    return code, {each["what"]: each for each in json.loads(output)["findings"]}


async def test_doctor(bridge: Bridge) -> None:
    """A healthy stack fails nothing and is left as it was; each thing that is broken is found."""
    stack = bridge.stack
    async with bridge.realtime() as model:
        code, found = await doctor(stack)
        assert code == Exit.OK, found
        levels = {what: each["level"] for what, each in found.items()}
        assert levels.pop("Redis latency") in ("ok", "warn")  # Two cores, and tests beside.
        warned = {what for what, level in levels.items() if level != "ok"}
        assert warned == {"Redis persistence", "public name"}
        assert found["signed webhook"]["found"].startswith("taken")
        assert found["media socket"]["found"].startswith("opened")
        assert [session.responses for session in model.sessions] == [{}]
    assert await bridge.store.zcard("tl:{0}:live") == 0
    assert await bridge.store.xlen("tl:{0}:calls") == 0
    assert '"level":"error"' not in bridge.logs()
    # The model is gone, the token is another's, a process is stopped, another one dead.
    stack.supervisor.stop("brain", "brain-1")
    stack.supervisor.stop("egress", "egress-0")
    code, found = await doctor(stack, TWILIO_AUTH_TOKEN="0" * 32, TRUNKLINE_AGENTS_FILE="no-such.toml")
    assert code == Exit.FAILED
    failed = {what for what, each in found.items() if each["level"] == "fail"}
    assert failed == {"agents file", "signed webhook", "media socket", "model session"}
    assert found["brain-1"]["level"] == "warn"
    assert all(each["do"] for each in found.values() if each["level"] in ("warn", "fail"))
    code, found = await doctor(stack, "--offline", REDIS_URL="redis://:secret@127.0.0.1:9/0")
    assert found["Redis"]["level"] == "fail"
    assert "secret" not in str(found)
    assert found["public URL"]["level"] == found["model session"]["level"] == "skipped"


CALLERS = 20


async def test_roll_under_twenty_live_calls(bridge: Bridge) -> None:
    """Twenty callers, each of whom calls again when a call is over, for as long as the roll takes: every
    process is a new one in the end, in order, and every call was heard to its end."""
    stack = bridge.stack
    before = await stack.pids()
    over = asyncio.Event()
    async with (
        bridge.realtime(),
        TwilioSimulator(
            voice_url=f"{stack.public_url}/voice", auth_token=stack.auth_token, allow_ws=True
        ) as twilio,
    ):
        live: dict[int, CallRecord] = {}

        async def calls_in_a_row(number: int) -> list[CallRecord]:
            made = []
            while not over.is_set():
                steps = [WaitForSpeech(), WaitForSilence(300), Pause(200 * number), HangUp()]
                status = f"{stack.public_url}/call-status"
                call = twilio.start_call(CallPlan(steps=steps, status_callback=status), QUICK)
                live[number] = call.record
                made.append(await call.finished())
            return made

        callers = [asyncio.create_task(calls_in_a_row(number)) for number in range(CALLERS)]
        try:
            await wait_until(
                lambda: len(live) == CALLERS and all(record.playbacks for record in live.values()),
                "each hears the greeting",
                timeout_s=30,
            )
            code, output = await trunkline(stack, "roll", "--json")
        finally:
            over.set()
            records = [record for made in await asyncio.gather(*callers) for record in made]
    told = [json.loads(line) for line in output.splitlines()]
    assert code == Exit.OK, told
    assert len(records) >= 2 * CALLERS
    assert [record.end_reason for record in records] == ["caller_hung_up"] * len(records)
    assert [record.failures + record.violations for record in records] == [[]] * len(records)
    assert [len(record.streams) for record in records] == [1] * len(records), "a call was moved"
    assert [each["process"] for each in told if each["event"] == "ready"] == [
        f"{role}-{number}" for role in ORDER for number in (0, 1)
    ]
    drained = {each["process"] for each in told if each["event"] == "draining" and each["calls"]}
    assert {name.partition("-")[0] for name in drained} == set(ORDER), "each role had live calls to wait for"
    now = await stack.pids()
    rolled = {name for name, pid in now.items() if before[name] != pid}
    assert rolled == {f"{role}-{number}" for role in ORDER for number in (0, 1)}
    assert told[-1]["event"] == "done"
    assert '"level":"error"' not in bridge.logs()
