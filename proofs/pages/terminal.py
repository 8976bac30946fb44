"""A command in a real terminal of its own (tmux): what is on its screen, and a keyboard.

Why it exists: `captures` takes its pictures of `trunkline top` with it, and a test presses its keys. Owns:
one tmux server. Must not know: the command.
"""

from __future__ import annotations

import os
import secrets
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

ANSWER_WITHIN_S = 10
STAYS_S = 120
"""For this long the last screen can be looked at after the command's end."""


@dataclass(slots=True)
class Terminal:
    """One tmux server with one pane."""

    name: str

    def screen(self) -> str:
        """All lines that are on its screen now."""
        return self._tmux("capture-pane", "-p", "-t", "0")

    def press(self, *keys: str) -> None:
        """Presses keys by tmux's names: `Enter`, `Escape`, `PPage`, or a letter."""
        self._tmux("send-keys", "-t", "0", *keys)

    def resize(self, width: int, height: int) -> None:
        """Changes its size, as if a window was dragged."""
        self._tmux("resize-window", "-t", "0", "-x", str(width), "-y", str(height))

    def open(self, command: str, width: int, height: int) -> None:
        """Starts the server and a shell that says `left N` when the command has ended with N."""
        line = f"{command}; echo left $?; sleep {STAYS_S}"
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", line)

    def close(self) -> None:
        """Ends the server and what runs in it."""
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-u", "-L", self.name, "-f", os.devnull, *words],
            capture_output=True,
            text=True,
            timeout=ANSWER_WITHIN_S,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"expected tmux {words[0]} to work, got: {done.stderr.strip()}")
        return done.stdout


@contextmanager
def terminal(
    command: str, environment: Mapping[str, str], width: int = 80, height: int = 24
) -> Iterator[Terminal]:
    """Runs a command with these variables besides our own. Raises FileNotFoundError without tmux."""
    made = Terminal(f"trunkline-{secrets.token_hex(4)}")
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    made.open(f"env {settings} {command}", width, height)
    try:
        yield made
    finally:
        made.close()
