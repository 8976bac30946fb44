"""Environments of the peers that come from PyPI, one each, made at first use.

Why it exists: their requirements are neither ours nor each other's, and nothing of them belongs into the
lock. Owns: the environments, and when one is made anew. Must not know: what a peer does.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.process.tasks import cancel_all

STAMP = ".requirements"

SHOWN_LINES = 5
TICK_S = 10.0


class NotInstalled(Exception):
    """An environment could not be made; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A peer from PyPI."""

    module: str
    """Of proofs/bench/peers."""
    requirements: tuple[str, ...]
    """What the peer was written against, pinned, and what its example runs on."""


PEERS = {
    "agents": Peer(
        module="openai_agents",
        requirements=("openai-agents==0.24.0", "fastapi", "uvicorn[standard]"),
    ),
    "pipecat": Peer(
        module="pipecat_ai",
        requirements=("pipecat-ai[openai,runner,websocket]==1.14.0", "uvicorn[standard]"),
    ),
}


async def python_of(name: str, folder: Path, progress: Callable[[str], None]) -> Path:
    """The interpreter of a peer's environment below `folder`, which is made if it is not there or its
    requirements have changed.

    Raises NotInstalled. Cancelled, it leaves an environment that is made anew next time.
    """
    peer, home = PEERS[name], folder / name
    stamp, wanted = home / STAMP, "\n".join(peer.requirements)
    python = home / "bin" / "python"
    if await asyncio.to_thread(_is_current, stamp, wanted):
        return python
    progress(f"{name}: making its environment ({', '.join(peer.requirements)}); once, a minute or two")
    await asyncio.to_thread(shutil.rmtree, home, ignore_errors=True)
    await _run(name, "venv", progress, sys.executable, "-m", "venv", str(home))
    pip = ("-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q", "--progress-bar", "off")
    await _run(name, "pip install", progress, str(python), *pip, *peer.requirements)
    await asyncio.to_thread(stamp.write_text, wanted, "utf-8")
    progress(f"{name}: installed")
    return python


# Private.


def _is_current(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text("utf-8") == wanted


async def _run(name: str, what: str, progress: Callable[[str], None], *command: str) -> None:
    """Runs it and says every few seconds that it still does."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = asyncio.create_task(process.communicate(), name=f"install {name}")
    began_s = time.monotonic()
    try:
        while not (await asyncio.wait({output}, timeout=TICK_S))[0]:
            progress(f"  {name}: {what}, {time.monotonic() - began_s:.0f} s")
        said, _ = await output
    finally:
        if process.returncode is None:
            process.kill()
        await cancel_all([output])
    if process.returncode:
        last = "\n".join(said.decode(errors="replace").strip().splitlines()[-SHOWN_LINES:])
        raise NotInstalled(
            f"{name}: expected {what} to end well, got code {process.returncode};"
            f" is PyPI reachable? The last lines were:\n{last}"
        )
