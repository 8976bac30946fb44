"""The end of log files, for people, when something did not start.

Owns: how much is shown. Must not know: who wrote it.
"""

from __future__ import annotations

import os
from pathlib import Path

TAIL_BYTES = 64_000


def tail(file: Path, lines: int = 25) -> str:
    """The last `lines` lines of `file`; empty if it has none or is not there."""
    try:
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - TAIL_BYTES))
            text = opened.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def tails(files: list[Path], lines: int = 25) -> str:
    """The ends of several files, each under its name; files without content are left out."""
    parts = [(file, tail(file, lines)) for file in files]
    return "\n".join(f"--- {file} ---\n{text}" for file, text in parts if text)
