"""A second host: a network namespace with a link of its own, and the processes in it.

Why it exists: what a host that vanishes does (nothing is closed, nothing arrives) cannot be shown on one
network. Owns: the namespace, its link (a veth pair), the process that runs a stack there. Must not know: what
that stack does, or when the link goes down.

The processes there see other pids as well (a namespace of their own): nobody here can watch them by the
kernel. It needs root; `FarHostRefused` says what the kernel answered where it does not allow it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import orjson

from console.stack.plan import REPOSITORY
from proofs.prove.chaos.faults import Role

HOST_NAME: Final = "far"
READY_WITHIN_S: Final = 90.0
_NETWORK: Final = "10.213.77"


class FarHostRefused(Exception):
    """This machine allows no second host; the text is what was asked and what was answered."""


@dataclass(slots=True)
class FarHost:
    """One, while the block of `open_host` runs."""

    name: str
    near_ip: str
    """What the first host is called from there."""
    far_ip: str
    public_port: int = 0
    """Where its ingress listens, if it has one."""
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def run(self, spec: Spec) -> None:
        """Starts a stack there and waits until it is ready. Raises FarHostRefused. Cancelled, it is ended
        with the host."""
        # A pid namespace of its own, which ends with its first process: whatever is in it ends too.
        command = ("ip", "netns", "exec", self.name, "unshare", "--pid", "--fork", "--kill-child")
        self._process = await asyncio.create_subprocess_exec(
            *command,
            "--mount-proc",
            sys.executable,
            "-m",
            "proofs.prove.chaos.setting.far_side",
            cwd=REPOSITORY,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(spec) + b"\n")
        line = b""
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(self._process.stdout.readline(), READY_WITHIN_S)
        if not line:
            raise FarHostRefused(f"expected a stack in {self.name} within {READY_WITHIN_S:.0f} s, got none")
        self.public_port = int(line)

    async def unplug(self) -> None:
        """The link is down: what is under way is lost, and nobody is told."""
        await _ip("-n", self.name, "link", "set", "far", "down")

    async def plug_in(self) -> None:
        """The link is there again."""
        await _ip("-n", self.name, "link", "set", "far", "up")

    async def end(self) -> None:
        """Ends all that runs there, at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What runs there."""

    role: Role
    redis_url: str
    model_base_url: str
    auth_token: str
    host: str
    """The address that its public port listens on."""
    environment: Mapping[str, str]
    commands: Mapping[str, str]


@asynccontextmanager
async def open_host() -> AsyncIterator[FarHost]:
    """A host without processes; gone when the block ends. Raises FarHostRefused."""
    name = f"tl{secrets.token_hex(3)}"
    host = FarHost(name, f"{_NETWORK}.1", f"{_NETWORK}.2")
    await _ip("netns", "add", name)
    try:
        await _ip("link", "add", name, "type", "veth", "peer", "name", "far", "netns", name)
        await _ip("addr", "add", f"{host.near_ip}/30", "dev", name)
        await _ip("link", "set", name, "up")
        await _ip("-n", name, "addr", "add", f"{host.far_ip}/30", "dev", "far")
        await _ip("-n", name, "link", "set", "lo", "up")
        await _ip("-n", name, "link", "set", "far", "up")
        yield host
    finally:
        await host.end()
        # The link goes with its namespace, but only when the last socket there is closed.
        with contextlib.suppress(FarHostRefused):
            await _ip("link", "del", name)
        await _ip("netns", "del", name)


# Private.


async def _ip(*words: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            "ip", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
    except OSError as error:
        raise FarHostRefused(f"ip {' '.join(words)}: {error}") from error
    output, _ = await process.communicate()
    if process.returncode:
        raise FarHostRefused(f"ip {' '.join(words)}: {output.decode(errors='replace').strip()}")
