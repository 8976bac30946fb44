"""What must stand nowhere, looked for where it might: secrets, numbers and words, in logs, metrics and argv.

Why it exists: what an attack provokes is logged by code that is seldom run. Owns: what is looked for, where.
Must not know: what led to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import httpx

from console.stack.launcher import Stack
from proofs.prove.hostile import payloads
from shared.contract.worker import ROLES
from simulators.twilio.caller.plan import CALLER_NUMBER

API_KEY: Final = "sk-canary-0d5c2f6a9b"
"""Of the model; the simulated one takes any."""

WORDS: Final = payloads.WORDS[:40]


def canaries(auth_token: str, tokens: Iterable[str]) -> dict[str, str]:
    """What each is → how it reads. `tokens`: of streams."""
    known = {
        "the auth token": auth_token,
        "the API key": API_KEY,
        "a caller's number": CALLER_NUMBER,
        "a stranger's number": payloads.CALLER,
        "what somebody said": WORDS,
    }
    return known | {f"the stream token {number}": token for number, token in enumerate(tokens) if token}


def leaks(texts: Mapping[str, str], looked_for: Mapping[str, str]) -> list[str]:
    """Where something stands that must not, as words that do not repeat it."""
    return [
        f"{what} stands in {where}"
        for where, text in texts.items()
        for what, canary in looked_for.items()
        if canary in text
    ]


async def texts(stack: Stack) -> dict[str, str]:
    """All that a stack has written and shows, by where: logs, metrics, command lines. Raises
    SUPERVISOR_ERRORS and httpx.HTTPError. Cancelling it only ends the look."""
    found = await asyncio.to_thread(_logs, stack.run_dir)
    pids = await stack.pids()
    found |= await asyncio.to_thread(_command_lines, pids)
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        for role in ROLES:
            for number in range(stack.options.workers[role]):
                url = f"http://127.0.0.1:{stack.admin_port(role, number)}/metrics"
                found[f"metrics of {role}-{number}"] = (await client.get(url)).text
    return found


# Private.


def _logs(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.log*"))}


def _command_lines(pids: Mapping[str, int]) -> dict[str, str]:
    found = {}
    for name, pid in pids.items():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except FileNotFoundError:
            continue  # It has ended meanwhile.
        found[f"command line of {name}"] = line.replace(b"\0", b" ").decode("utf-8", "replace")
    return found
