"""A shell of the operator's, whatever the shape of Redis: what docs/operating.md puts first is typed there.

    shell = Shell.at(url)
    await shell.type('redis-cli HGETALL "$KEY"', await shell.knows(call_sid))

The user is that of deploy/redis/acl; tests/support/acl.py makes it on a server, before.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.redis_url import Shape, read
from shared.store.access.grants import OPERATOR
from tests.support import acl

ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")
REFUSALS = ("WRONGTYPE", "NOPERM", "WRONGPASS", "NOAUTH", "MOVED", "READONLY", "CROSSSLOT", "AUTH failed")


def blocks(part: str) -> list[str]:
    """The fenced blocks of a part of the page's section on redis-cli."""
    section = OPERATING.partition("\n## By redis-cli alone\n")[2].partition("\n## ")[0]
    text = section.partition(f"\n### {part}\n")[2].partition("\n### ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


ONE, TLS, SENTINELS, CLUSTER, LANE = blocks("First: which Redis, which lane")


@dataclass(frozen=True, slots=True)
class Shell:
    """Where recipes and commands are typed."""

    url: str = field(repr=False)
    """The operator's, for `trunkline`."""
    first: str
    """The page's own words for this shape, and its helper that counts lanes."""
    variables: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, str]
    """What the operator's `.env` has beside the URL."""

    @classmethod
    def at(cls, url: str, settings: Mapping[str, str] | None = None) -> Shell:
        """One for the Redis at `url`, which names no user."""
        place = read(url)
        host = place.hosts[0]
        one = TLS if place.is_tls else ONE
        first = {Shape.ONE: one, Shape.SENTINEL: SENTINELS, Shape.CLUSTER: CLUSTER}[place.shape]
        variables = {
            "HOST": host.name,
            "PORT": str(host.port),
            "NAME": place.master,
            "CA": str(place.options.get("ssl_ca_certs", "")),
            "REDISCLI_AUTH": acl.PASSWORD,
        }
        count_lanes = LANE.splitlines()[0]
        return cls(acl.url_of(url, OPERATOR), f"{first}\n{count_lanes}", variables, settings or {})

    async def type(self, line: str, variables: Mapping[str, str] | None = None) -> str:
        """A recipe as a shell runs it; what it shows. Nothing of it may be refused."""
        environment = {**os.environ, **self.variables, **(variables or {})}
        done = await asyncio.to_thread(
            subprocess.run, ["bash", "-c", f"{self.first}\n{line}"], env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        said = f"{line}: {done.stdout}{done.stderr}"
        assert done.returncode == 0, said
        assert not done.stdout.startswith("ERR"), said
        assert not any(refusal in done.stdout + done.stderr for refusal in REFUSALS), said
        return done.stdout

    async def knows(self, call_sid: str) -> dict[str, str]:
        """The variables of a call, by the page's own loop over lanes."""
        shown = await self.type(f'{LANE}printf "%s %s" "$LANE" "$KEY"', {"CALL": call_sid})
        lane, _, key = shown.partition(" ")
        return {"CALL": call_sid, "LANE": lane, "KEY": key}

    async def trunkline(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """The command line, as a program reads it; the simulators go on meanwhile. `changes`: of its
        environment."""
        environment = {**os.environ, "REDIS_URL": self.url, "NO_COLOR": "1", **self.settings, **changes}
        command = [sys.executable, "-m", "console", *words]
        return await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False
        )
