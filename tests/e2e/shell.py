"""What the documentation lets people type, typed."""

from __future__ import annotations

import os
import subprocess


def run(line: str, url: str, variables: dict[str, str]) -> str:
    """A recipe as a shell runs it."""
    port = url.rpartition(":")[2].split("/")[0]
    command = line.replace("redis-cli", f"redis-cli -p {port}", 1)
    done = subprocess.run(
        ["bash", "-c", command], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    assert not done.stdout.startswith("ERR"), f"{line}: {done.stdout}"
    assert "WRONGTYPE" not in done.stdout, line
    return done.stdout
