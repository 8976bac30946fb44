"""How each system is started, and which processes are its own.

Why it exists: the sitting treats all alike. Owns: a system's life for one load: processes, where its callers
find it. Must not know: what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from console.stack.foreground import DEVELOPMENT
from console.stack.launcher import Stack
from console.stack.logs import tail
from console.stack.ports import free_port
from console.stack.readiness import why_not_listening
from egress.pacing.pacer import LEAD_MS
from proofs.bench.order import CLUSTER, GIVEN, OURS, RECORDED, REDIS, UNWATCHED, VIEWED
from proofs.bench.peers import venvs
from proofs.bench.process import REPOSITORY, end, spawn
from proofs.measure import load as pipeline_load
from proofs.measure import tabs
from proofs.prove.chaos.shapes import cluster
from proofs.prove.chaos.shapes.programs import valkey
from proofs.prove.roles import becoming, unwatched
from shared.contract.keys import Keys
from shared.settings import environment_name

RECORDED_AGENT = """[default]
recording = { record = true, announced = "elsewhere" }
"""

VENVS = REPOSITORY / ".build" / "bench" / "venvs"
"""The peers' environments, wherever figures are written."""

READY_TIMEOUT_S = 60.0
POLL_S = 0.1


class SystemFailed(Exception):
    """A system did not come up; the text ends with its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A system that takes calls."""

    callers: tuple[str, ...]
    """Where it is, as arguments of proofs.bench.callers."""
    pids: Mapping[str, int] = field(default_factory=dict)
    redis_url: str = ""
    keys: Keys = field(default_factory=Keys)
    """Of what it keeps there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all systems of a sitting are told."""

    out: Path
    model_port: int
    progress: Callable[[str], None]
    given: Running | None = None
    """The server of the user's own, which runs already."""


@contextlib.asynccontextmanager
async def started(system: str, setting: Setting) -> AsyncIterator[Running]:
    """The system inside the block; it is gone afterwards, also when cancelled.

    Raises SystemFailed, StackFailed, NotInstalled, TabsFailed, ShapeFailed.
    """
    if system == GIVEN:
        assert setting.given is not None
        yield setting.given
    elif system in OURS:
        async with _trunkline(setting, system) as running:
            yield running
    else:
        async with _peer(system, setting) as running:
            yield running


def web_environment(redis_url: str) -> list[str]:
    """Of the console that is looked at, `NAME=value`: as `make run` has it, which shows what is said, and so
    reads it."""
    shown = (f"{environment_name(field)}={value}" for field, value in DEVELOPMENT.items())
    return [f"REDIS_URL={redis_url}", *shown]


# Private.


@contextlib.asynccontextmanager
async def _trunkline(setting: Setting, system: str) -> AsyncIterator[Running]:
    # No peer offers the model a tool, and an answer by way of one is thought of twice.
    environment = {"TRUNKLINE_DEMO_TOOLS": "false"}
    if system == RECORDED:
        file = setting.out / "recorded.toml"
        await asyncio.to_thread(file.write_text, RECORDED_AGENT, "utf-8")
        environment["TRUNKLINE_AGENTS_FILE"] = str(file)
    lanes = CLUSTER.get(system, 1)
    environment["TRUNKLINE_LANES"] = str(lanes)
    options = pipeline_load.options("bench", setting.model_port, **environment)
    if system == UNWATCHED:
        options = replace(options, commands=becoming.commands(unwatched.__name__))
    async with contextlib.AsyncExitStack() as ours:
        servers: dict[str, int] = {}
        if system in CLUSTER:
            url, servers = await ours.enter_async_context(_cluster(setting))
            options = replace(options, redis_url=url)
        stack = await ours.enter_async_context(Stack(options))
        bridge = await pipeline_load.bridge_of(stack)
        bridge.pids.update(servers)
        if system == RECORDED:
            bridge.pids["recorder"] = await ours.enter_async_context(_recorder(setting, stack.redis_url))
        if system == VIEWED:
            bridge.pids["web"] = await ours.enter_async_context(_web(setting, stack.redis_url))
        yield Running(
            callers=(
                "--voice-url", f"{bridge.public_url}/voice", "--auth-token", bridge.auth_token,
                "--dial", f"127.0.0.1:{bridge.public_port}", "--lead-ms", f"{LEAD_MS:g}",
            ),
            pids=bridge.pids,
            redis_url=stack.redis_url,
            keys=Keys(lanes, spread=system in CLUSTER),
        )  # fmt: skip


@contextlib.asynccontextmanager
async def _cluster(setting: Setting) -> AsyncIterator[tuple[str, dict[str, int]]]:
    """Three masters with a replica each: what stands in REDIS_URL, and each server's process id."""
    with tempfile.TemporaryDirectory(dir=setting.out) as folder:
        shape = cluster.Cluster.of(valkey(), Path(folder))
        try:
            await asyncio.to_thread(shape.start)
            yield shape.url, {f"{REDIS}-{at}": node.pid for at, node in enumerate(shape.fleet.nodes)}
        finally:
            await asyncio.to_thread(shape.stop)


@contextlib.asynccontextmanager
async def _recorder(setting: Setting, redis_url: str) -> AsyncIterator[int]:
    """The recorder of a stack: its process id. What it wrote is gone behind it."""
    with tempfile.TemporaryDirectory(dir=setting.out) as folder:
        command = [
            "env", f"REDIS_URL={redis_url}", f"TRUNKLINE_RECORDINGS={folder}",
            sys.executable, "-m", "console.recorder",
        ]  # fmt: skip
        with (setting.out / "recorder.log").open("wb") as output:
            process = await spawn(command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            yield process.pid
        finally:
            await end(process)


@contextlib.asynccontextmanager
async def _web(setting: Setting, redis_url: str) -> AsyncIterator[int]:
    """The web console of a stack, looked at in three tabs: its process id."""
    port = free_port()
    command = ["env", *web_environment(redis_url), sys.executable, "-m", "console.web", "--port", str(port)]
    with (setting.out / "web.log").open("wb") as output:
        process = await spawn(command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        async with tabs.looked_at(f"http://127.0.0.1:{port}"):
            yield process.pid
    finally:
        await end(process)


@contextlib.asynccontextmanager
async def _peer(system: str, setting: Setting) -> AsyncIterator[Running]:
    python, module = Path(sys.executable), system
    if system in venvs.PEERS:
        python = await venvs.python_of(system, VENVS, setting.progress)
        module = venvs.PEERS[system].module
    port = free_port({setting.model_port})
    command = [
        str(python), "-m", f"proofs.bench.peers.{module}",
        "--port", str(port), "--model-base-url", f"http://127.0.0.1:{setting.model_port}/v1",
    ]  # fmt: skip
    log = setting.out / f"{system}.log"
    with log.open("wb") as output:
        process = await spawn(command, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        await _until_listening(system, process, port, log)
        yield Running(callers=("--url", f"ws://127.0.0.1:{port}/media"), pids={system: process.pid})
    finally:
        await end(process)


async def _until_listening(system: str, process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while await why_not_listening(port):
        if process.returncode is not None:
            said = f"its end with code {process.returncode}"
        elif time.monotonic() > deadline_s:
            said = f"nothing within {READY_TIMEOUT_S:.0f} s"
        else:
            await asyncio.sleep(POLL_S)
            continue
        raise SystemFailed(f"{system}: expected it to listen, got {said}. Its log, {log}:\n{tail(log)}")
